public import MartletCore

/// What a server answers to one call, message by message, in order. One loop may read it, once.
///
/// The server goes on only as fast as the loop reads. Leaving the loop and letting go of the stream cancels the call.
public struct ServerStream<Element: Sendable>: AsyncSequence, Sendable {
    public typealias Failure = MartletError

    let call: StreamCall
    let decode: @Sendable ([UInt8]) throws(MartletError) -> Element

    public func makeAsyncIterator() -> Iterator { Iterator(call: call, decode: decode) }

    public struct Iterator: AsyncIteratorProtocol {
        let call: StreamCall
        let decode: @Sendable ([UInt8]) throws(MartletError) -> Element

        /// The next message; nil after the last.
        public mutating func next() async throws(MartletError) -> Element? {
            guard let message = try await call.next() else { return nil }
            return try decode(message)
        }

        public mutating func next(isolation actor: isolated (any Actor)?) async throws(MartletError) -> Element? {
            let call = call
            let decode = decode
            guard let message = try await call.next() else { return nil }
            return try decode(message)
        }
    }
}

/// Keeps a stream's call alive while somebody may still read its messages, and cancels it afterwards.
final class StreamCall: Sendable {
    private let client: MartletClient
    private let call: ClientCall
    private let sending: Task<Void, Never>?

    init(client: MartletClient, call: ClientCall, sending: Task<Void, Never>? = nil) {
        self.client = client
        self.call = call
        self.sending = sending
    }

    func next() async throws(MartletError) -> [UInt8]? { try await call.next() }

    deinit {
        sending?.cancel()
        call.cancelSoon()
    }
}
