/// Frames out: the 5-byte prefix and the protobuf `Frame`.
package enum FrameEncoder {
    /// Below this, compressing costs more than the bytes it saves.
    private static let compressedBytesMin = 1_024

    /// Appends the prefix and the frame.
    /// - Parameter compress: zlib, where the frame has at least 1 KiB and gets smaller by it. Only when the peer's
    ///   Hello accepts it, and never for our own Hello.
    package static func append(_ frame: Frame, compress: Bool, to bytes: inout [UInt8]) {
        let arena = Arena(budget: .max)
        frame.build(in: arena) { message in
            let size = CMessage.packedSize(message)
            if compress, size >= compressedBytesMin,
                let small = CMessage.packed(message).withUnsafeBytes({ Zlib.deflated($0) })
            {
                appendPrefix(flags: FrameFlags.compressed, length: small.count, to: &bytes)
                bytes.append(contentsOf: small)
                return
            }
            appendPrefix(flags: 0, length: size, to: &bytes)
            let start = bytes.count
            bytes.append(contentsOf: repeatElement(0, count: size))
            bytes.withUnsafeMutableBufferPointer { buffer in
                if let target = buffer.baseAddress { CMessage.pack(message, to: target + start) }
            }
        }
    }

    private static func appendPrefix(flags: UInt8, length: Int, to bytes: inout [UInt8]) {
        precondition(length <= Int(UInt32.max), "a frame above 4 GiB: every message limit is below that")
        bytes.append(flags)
        for shift in [24, 16, 8, 0] { bytes.append(UInt8(truncatingIfNeeded: length >> shift)) }
    }
}
