public import MartletCore
internal import MartletWire

/// The events of one document, in order. One loop may read them, once.
public struct DocumentEvents: AsyncSequence, Sendable {
    public typealias Element = DocumentEvent
    public typealias Failure = MartletError

    let owner: DocumentCall

    public func makeAsyncIterator() -> Iterator { Iterator(owner: owner) }

    public struct Iterator: AsyncIteratorProtocol {
        let owner: DocumentCall

        /// The next event; nil after `.final`.
        public mutating func next() async throws(MartletError) -> DocumentEvent? { try await owner.next() }

        public mutating func next(isolation actor: isolated (any Actor)?) async throws(MartletError) -> DocumentEvent? {
            let owner = owner
            return try await owner.next()
        }
    }
}

/// Keeps a document's call alive while somebody may still read its events, and cancels it afterwards.
final class DocumentCall: Sendable {
    let client: MartletClient
    let call: ClientCall
    private let sending: Task<Void, Never>

    init(client: MartletClient, call: ClientCall, sending: Task<Void, Never>) {
        self.client = client
        self.call = call
        self.sending = sending
    }

    func next() async throws(MartletError) -> DocumentEvent? {
        guard let message = try await call.next() else { return nil }
        return try client.codec.decodeDocumentEvent(message)
    }

    deinit {
        sending.cancel()
        call.cancelSoon()
    }
}
