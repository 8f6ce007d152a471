internal import CZlib
package import MartletCore

/// One-shot compressed streams: zlib (RFC 1950), as PROTOCOL.md section 3 and gRPC's `deflate` want them, and gzip
/// (RFC 1952).
package enum Zlib {
    package enum Format: Sendable {
        case zlib, gzip

        /// What zlib calls it: the window of 32 KiB, and 16 for a gzip header.
        fileprivate var windowBits: Int32 { self == .zlib ? 15 : 31 }
    }

    /// The compressed form of `bytes`, or nil when it would not be smaller.
    package static func deflated(_ bytes: UnsafeRawBufferPointer, format: Format = .zlib) -> [UInt8]? {
        guard let source = bytes.baseAddress, bytes.count > 1 else { return nil }
        var stream = z_stream()
        guard
            deflateInit2_(
                &stream, Z_BEST_SPEED, Z_DEFLATED, format.windowBits, 8, Z_DEFAULT_STRATEGY, ZLIB_VERSION,
                Int32(MemoryLayout<z_stream>.size)) == Z_OK
        else { return nil }
        defer { deflateEnd(&stream) }
        stream.next_in = UnsafeMutablePointer(mutating: source.assumingMemoryBound(to: UInt8.self))
        stream.avail_in = uInt(clamping: bytes.count)
        let room = bytes.count - 1
        let result = [UInt8](unsafeUninitializedCapacity: room) { buffer, count in
            stream.next_out = buffer.baseAddress
            stream.avail_out = uInt(clamping: room)
            count = deflate(&stream, Z_FINISH) == Z_STREAM_END ? room - Int(stream.avail_out) : 0
        }
        return result.isEmpty ? nil : result
    }

    /// The bytes of exactly one complete stream, as a whole message.
    /// - Throws: `.resourceExhausted` above `bytesMax`; `.invalidArgument` for broken, cut or trailing data.
    package static func inflated(
        _ message: [UInt8], bytesMax: Int, format: Format
    ) throws(MartletError) -> [UInt8] {
        try message.withBytes { (bytes) throws(MartletError) in
            try inflated(bytes, bytesMax: bytesMax, format: format, of: "message")
        }
    }

    /// The bytes of exactly one complete stream.
    ///
    /// The output grows with what really comes out, so a stream that lies costs no more than twice what it holds.
    /// - Throws: `.resourceExhausted` above `bytesMax`; `.invalidArgument` for broken, cut or trailing data.
    static func inflated(
        _ bytes: UnsafeRawBufferPointer, bytesMax: Int, format: Format = .zlib, of unit: StaticString = "frame"
    ) throws(MartletError) -> [UInt8] {
        var stream = z_stream()
        guard inflateInit2_(&stream, format.windowBits, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK else {
            throw MartletError(.resourceExhausted, "no memory to inflate a compressed \(unit)")
        }
        defer { inflateEnd(&stream) }
        stream.next_in = UnsafeMutablePointer(mutating: bytes.baseAddress?.assumingMemoryBound(to: UInt8.self))
        stream.avail_in = uInt(clamping: bytes.count)

        var output: [UInt8] = []
        // One byte more than allowed, so that "exactly the limit" and "above" differ.
        let roomMax = bytesMax + 1
        var room = min(max(4 * bytes.count, 1_024), roomMax)
        while true {
            let before = output.count
            output.append(contentsOf: repeatElement(0, count: room - before))
            let code = output.withUnsafeMutableBufferPointer { buffer in
                stream.next_out = buffer.baseAddress.map { $0 + before }
                stream.avail_out = uInt(clamping: room - before)
                return inflate(&stream, Z_NO_FLUSH)
            }
            output.removeLast(Int(stream.avail_out))
            guard output.count <= bytesMax else {
                throw MartletError(
                    .resourceExhausted, "a compressed \(unit) inflates to more than the limit of \(bytesMax) bytes")
            }
            switch code {
            case Z_STREAM_END where stream.avail_in == 0:
                return output
            case Z_STREAM_END:
                throw MartletError(.invalidArgument, "a compressed \(unit) has bytes after its \(format) stream")
            case Z_OK where stream.avail_out == 0:
                room = min(2 * room, roomMax)
            default:
                // Z_OK or Z_BUF_ERROR with room left: the input ended before the stream did.
                throw MartletError(.invalidArgument, "a compressed \(unit) is not a complete \(format) stream")
            }
        }
    }
}
