internal import MartletCore
internal import MartletWire
internal import NIOCore

/// One call as its caller sees it. Touched on the connection's event loop only, but for the async functions.
final class ClientCall: @unchecked Sendable { // safe: every member is touched on the connection's event loop only
    typealias Answer = Result<[UInt8]?, MartletError>

    let connection: ClientConnection
    let metadata: [Frame.Metadata]
    var id: CallID?
    var isCancelled = false
    private var inbox = CircularBuffer<[UInt8]>()
    private var outcome: Result<Void, MartletError>?
    private var reader: CheckedContinuation<Answer, Never>?
    private var senders: [CheckedContinuation<Void, Never>] = []
    /// A unary call's reader waits for the status, not for the message.
    private var waitsForEnd = false

    init(connection: ClientConnection, metadata: [Frame.Metadata]) {
        self.connection = connection
        self.metadata = metadata
    }

    // MARK: From the connection

    func deliver(_ message: [UInt8]) {
        guard !waitsForEnd, let reader else { return inbox.append(message) }
        self.reader = nil
        connection.took(messageOf: message.count, for: self)
        reader.resume(returning: .success(message))
    }

    func resumeSenders() {
        let waiting = senders
        senders = []
        for sender in waiting { sender.resume() }
    }

    func end(_ error: MartletError?) {
        guard outcome == nil else { return }
        outcome = error.map { .failure($0) } ?? .success(())
        resumeSenders()
        guard let reader else { return }
        self.reader = nil
        read(reader)
    }

    // MARK: From the caller

    /// Runs a call of one request and one answer.
    func unary(_ method: Method, request: [UInt8], deadline: ContinuousClock.Instant?) async throws(MartletError)
        -> [UInt8]
    {
        let connection = connection
        let answer = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                connection.loop.execute {
                    self.waitsForEnd = true
                    self.reader = continuation
                    connection.start(self, method, request: request, deadline: deadline)
                }
            }
        } onCancel: {
            cancelSoon()
        }
        guard let message = try answer.get() else {
            throw Self.withoutAnswer
        }
        return message
    }

    static var withoutAnswer: MartletError {
        MartletError(.internalError, "the server reported success without an answer")
    }

    /// Opens a stream; `next` and `send` may follow at once.
    /// - Parameter request: the only message of a method that takes one.
    func open(_ method: Method, request: [UInt8]? = nil, deadline: ContinuousClock.Instant?) {
        connection.loop.execute { self.connection.start(self, method, request: request, deadline: deadline) }
    }

    /// The next message, nil after the last.
    func next() async throws(MartletError) -> [UInt8]? {
        let answer = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                connection.loop.execute { self.read(continuation) }
            }
        } onCancel: {
            cancelSoon()
        }
        return try answer.get()
    }

    /// Sends one message of a stream; suspends while the server does not read.
    /// - Returns: false when the call is over and no more need be sent.
    func send(_ message: [UInt8]) async -> Bool {
        while true {
            let outcome = await withCheckedContinuation { continuation in
                connection.loop.execute {
                    continuation.resume(returning: self.connection.send(message, for: self))
                }
            }
            switch outcome {
            case .sent: return true
            case .ended: return false
            case .wait:
                await withCheckedContinuation { continuation in
                    connection.loop.execute { self.park(continuation) }
                }
            }
        }
    }

    func halfClose() { connection.loop.execute { self.connection.halfClose(self) } }

    func cancelSoon(_ error: MartletError = MartletError(.cancelled, "the caller cancelled the call")) {
        connection.loop.execute { self.connection.cancel(self, with: error) }
    }

    // MARK: On the loop

    private func read(_ continuation: CheckedContinuation<Answer, Never>) {
        if case .failure(let error) = outcome, waitsForEnd || inbox.isEmpty {
            continuation.resume(returning: .failure(error))
        } else if !inbox.isEmpty {
            let message = inbox.removeFirst()
            connection.took(messageOf: message.count, for: self)
            continuation.resume(returning: .success(message))
        } else if outcome != nil {
            continuation.resume(returning: .success(nil))
        } else if reader != nil {
            continuation.resume(returning: .failure(MartletError(.internalError, "a stream has one reader")))
        } else {
            reader = continuation
        }
    }

    private func park(_ continuation: CheckedContinuation<Void, Never>) {
        if outcome != nil || connection.maySend(self) { return continuation.resume() }
        senders.append(continuation)
    }
}
