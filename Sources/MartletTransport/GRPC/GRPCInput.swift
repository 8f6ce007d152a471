package import MartletCore
package import NIOCore

/// The request side of one gRPC call, without I/O: bytes in, what is to be done out.
package struct GRPCInput {
    package enum Event {
        /// The only request of a method that takes one has come, and the peer has half-closed.
        case start([UInt8])
        /// A message of a method that takes several.
        case deliver([UInt8])
        /// No further message.
        case end
    }

    private let clientStreams: Bool
    private let encoding: MessageEncoding
    private let messageBytesMax: Int
    private var deframer: MessageDeframer
    private var request: [UInt8]?

    package init(clientStreams: Bool, encoding: MessageEncoding, messageBytesMax: Int) {
        self.clientStreams = clientStreams
        self.encoding = encoding
        self.messageBytesMax = messageBytesMax
        deframer = MessageDeframer(messageBytesMax: messageBytesMax)
    }

    /// Bytes held here: a part of a message, or the request that waits for the half-close.
    package var heldBytes: Int { deframer.bufferedBytes + (request?.count ?? 0) }

    /// Bytes of a DATA frame.
    /// - Throws: why the call has to end.
    package mutating func receive(_ bytes: ByteBuffer, _ events: inout [Event]) throws(MartletError) {
        deframer.append(bytes)
        while let message = try deframer.next() {
            var payload = message.bytes
            if message.isCompressed { payload = try encoding.inflated(payload, bytesMax: messageBytesMax) }
            if clientStreams {
                events.append(.deliver(payload))
            } else if request == nil {
                request = payload
            } else {
                throw MartletError(.unimplemented, "this method takes one request, two came")
            }
        }
    }

    /// The peer has half-closed.
    /// - Throws: `.internalError` inside a message, `.unimplemented` when the one request is missing.
    package mutating func end(_ events: inout [Event]) throws(MartletError) {
        guard deframer.bufferedBytes == 0 else {
            throw MartletError(.internalError, "the request ended inside a message: its length said more")
        }
        guard !clientStreams else { return events.append(.end) }
        guard let request else { throw MartletError(.unimplemented, "this method takes one request, none came") }
        self.request = nil
        events.append(.start(request))
    }
}
