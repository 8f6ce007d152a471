internal import CZlib
internal import MartletCore

/// One-shot zlib streams (RFC 1950), as PROTOCOL.md section 3 wants them.
enum Zlib {
    /// The compressed form of `bytes`, or nil when it would not be smaller.
    static func deflated(_ bytes: UnsafeRawBufferPointer) -> [UInt8]? {
        guard let source = bytes.baseAddress, bytes.count > 1 else { return nil }
        let room = bytes.count - 1
        let result = [UInt8](unsafeUninitializedCapacity: room) { buffer, count in
            var written = uLong(room)
            let code = compress2(
                buffer.baseAddress, &written, source.assumingMemoryBound(to: UInt8.self), uLong(bytes.count),
                Z_BEST_SPEED)
            count = code == Z_OK ? Int(written) : 0
        }
        return result.isEmpty ? nil : result
    }

    /// The bytes of exactly one complete zlib stream.
    ///
    /// The output grows with what really comes out, so a stream that lies costs no more than twice what it holds.
    /// - Throws: `.resourceExhausted` above `bytesMax`; `.invalidArgument` for broken, cut or trailing data.
    static func inflated(_ bytes: UnsafeRawBufferPointer, bytesMax: Int) throws(MartletError) -> [UInt8] {
        var stream = z_stream()
        guard inflateInit_(&stream, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK else {
            throw MartletError(.resourceExhausted, "no memory to inflate a compressed frame")
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
                    .resourceExhausted, "a compressed frame inflates to more than the limit of \(bytesMax) bytes")
            }
            switch code {
            case Z_STREAM_END where stream.avail_in == 0:
                return output
            case Z_STREAM_END:
                throw MartletError(.invalidArgument, "a compressed frame has bytes after its zlib stream")
            case Z_OK where stream.avail_out == 0:
                room = min(2 * room, roomMax)
            default:
                // Z_OK or Z_BUF_ERROR with room left: the input ended before the stream did.
                throw MartletError(.invalidArgument, "a compressed frame is not a complete zlib stream")
            }
        }
    }
}
