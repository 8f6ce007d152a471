internal import CZlib
package import MartletCore

/// Inflates a gzip stream (RFC 1952) piece by piece: memory depends on the pieces, not on what they inflate to. One
/// user at a time.
package final class GzipStream: @unchecked Sendable { // safe: a body has one reader
    private var stream = z_stream()
    private var isOpen = false
    private var isEnded = false
    private var input: [UInt8] = []
    private var place = 0

    /// Bytes of one piece that comes out.
    private static let pieceBytes = 64 << 10

    package init() {}

    deinit {
        if isOpen { inflateEnd(&stream) }
    }

    package func append(_ bytes: [UInt8]) {
        if place == input.count {
            input = bytes
            place = 0
        } else {
            input.append(contentsOf: bytes)
        }
    }

    /// The next piece of what was appended; nil when more input is needed.
    /// - Throws: `.invalidArgument` for what is no gzip stream, or goes on after one.
    package func next() throws(MartletError) -> [UInt8]? {
        guard place < input.count else { return nil }
        guard !isEnded else { throw MartletError(.invalidArgument, "the body has bytes after its gzip stream") }
        if !isOpen {
            guard inflateInit2_(&stream, 31, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK else {
                throw MartletError(.resourceExhausted, "no memory to inflate a compressed body")
            }
            isOpen = true
        }
        var code = Z_OK
        var consumed = 0
        let start = place
        let piece = input.withUnsafeMutableBufferPointer { input in
            [UInt8](unsafeUninitializedCapacity: Self.pieceBytes) { buffer, count in
                stream.next_in = input.baseAddress.map { $0 + start }
                stream.avail_in = uInt(clamping: input.count - start)
                stream.next_out = buffer.baseAddress
                stream.avail_out = uInt(clamping: buffer.count)
                let before = stream.avail_in
                code = inflate(&stream, Z_NO_FLUSH)
                consumed = Int(before - stream.avail_in)
                count = buffer.count - Int(stream.avail_out)
            }
        }
        place += consumed
        switch code {
        case Z_STREAM_END: isEnded = true
        case Z_OK: break
        // No progress: what is there is used up.
        case Z_BUF_ERROR where piece.isEmpty && place == input.count: return nil
        default: throw MartletError(.invalidArgument, "the body is not a gzip stream, as its content-encoding says")
        }
        if piece.isEmpty { return try next() }
        return piece
    }

    /// The input is over.
    /// - Throws: `.invalidArgument` when the stream is not.
    package func end() throws(MartletError) {
        guard isEnded || !isOpen && input.isEmpty else {
            throw MartletError(.invalidArgument, "the body ends inside its gzip stream")
        }
    }
}
