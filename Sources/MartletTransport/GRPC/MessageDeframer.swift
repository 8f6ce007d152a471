package import MartletCore
package import NIOCore

/// Cuts the bytes of a stream into gRPC messages: a flag byte, 4 bytes of big-endian length, then the message. Borders
/// of DATA frames mean nothing.
package struct MessageDeframer {
    package struct Message: Hashable {
        package let isCompressed: Bool
        package let bytes: [UInt8]

        package init(isCompressed: Bool, bytes: [UInt8]) {
            self.isCompressed = isCompressed
            self.bytes = bytes
        }
    }

    static let prefixBytes = 5

    private let messageBytesMax: Int
    private var buffer = ByteBuffer()

    package init(messageBytesMax: Int) { self.messageBytesMax = messageBytesMax }

    /// Bytes that wait for the rest of their message.
    package var bufferedBytes: Int { buffer.readableBytes }
    /// Bytes of memory that holds them.
    package var storageBytes: Int { buffer.storageCapacity }

    package mutating func append(_ bytes: ByteBuffer) {
        if buffer.readableBytes == 0 {
            // Nothing is copied while frames hold whole messages.
            buffer = bytes
        } else {
            // What was read goes first: a buffer that never runs empty, because every frame ends inside a message,
            // would otherwise keep the whole stream.
            buffer.discardReadBytes()
            var bytes = bytes
            buffer.writeBuffer(&bytes)
        }
    }

    /// The next whole message; nil when more bytes are needed.
    /// - Throws: `.resourceExhausted` for a length over the limit, as soon as it is known; `.internalError` for a flag
    ///   byte that means nothing.
    package mutating func next() throws(MartletError) -> Message? {
        guard let flag = buffer.getInteger(at: buffer.readerIndex, as: UInt8.self),
            let length = buffer.getInteger(at: buffer.readerIndex + 1, as: UInt32.self)
        else { return nil }
        guard flag <= 1 else {
            throw MartletError(.internalError, "a message begins with the flag byte \(flag), which is neither 0 nor 1")
        }
        guard length <= messageBytesMax else {
            throw .messageTooLarge(Int(length), limit: messageBytesMax)
        }
        guard buffer.readableBytes - Self.prefixBytes >= length else { return nil }
        buffer.moveReaderIndex(forwardBy: Self.prefixBytes)
        let bytes = buffer.readBytes(length: Int(length)) ?? []
        if buffer.readableBytes == 0 { buffer = ByteBuffer() }
        return Message(isCompressed: flag == 1, bytes: bytes)
    }
}
