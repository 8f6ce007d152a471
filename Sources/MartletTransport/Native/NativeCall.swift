internal import MartletCore
internal import MartletWire
internal import NIOCore

/// One running call: its task, the messages that wait for its handler, and the handler's sends that wait for the peer.
/// Touched on the connection's event loop only.
final class NativeCall: @unchecked Sendable { // safe: every member is touched on the connection's event loop only
    let id: CallID
    let connection: NativeConnection
    var task: Task<Void, Never>?

    private var inbox = CircularBuffer<[UInt8]>()
    private var inputEnded = false
    private var ended: MartletError?
    /// The handler's reading task was cancelled while the call goes on: an early verdict.
    private var isReadingOver = false
    /// The handler's sending task was cancelled: a version that has to go.
    private var isSendingOver = false
    /// Bytes of the message that the handler works on. Its room is granted back when the next one is asked for, so that a
    /// call holds no more than its credit and one message.
    private var inHand: Int?
    private var reader: CheckedContinuation<Result<[UInt8]?, MartletError>, Never>?
    private var senders: [CheckedContinuation<Void, Never>] = []

    init(id: CallID, connection: NativeConnection) {
        self.id = id
        self.connection = connection
    }

    // MARK: From the connection

    func deliver(_ message: [UInt8]) {
        guard let reader else { return inbox.append(message) }
        self.reader = nil
        inHand = message.count
        reader.resume(returning: .success(message))
    }

    func endInput() {
        inputEnded = true
        reader?.resume(returning: .success(nil))
        reader = nil
    }

    func resumeSenders() {
        let waiting = senders
        senders = []
        for sender in waiting { sender.resume() }
    }

    /// The call is over for the peer.
    func stop(_ error: MartletError) {
        ended = error
        inbox.removeAll()
        task?.cancel()
        reader?.resume(returning: .failure(error))
        reader = nil
        resumeSenders()
    }

    // MARK: From the handler, on the loop

    fileprivate func takeMessage(
        _ continuation: CheckedContinuation<Result<[UInt8]?, MartletError>, Never>
    ) {
        if let bytes = inHand {
            inHand = nil
            connection.took(messageOf: bytes, for: id)
        }
        if let ended {
            continuation.resume(returning: .failure(ended))
        } else if isReadingOver {
            continuation.resume(returning: .failure(Self.readingOver))
        } else if !inbox.isEmpty {
            let message = inbox.removeFirst()
            inHand = message.count
            continuation.resume(returning: .success(message))
        } else if inputEnded {
            continuation.resume(returning: .success(nil))
        } else if reader != nil {
            continuation.resume(returning: .failure(MartletError(.internalError, "a document has one reader")))
        } else {
            reader = continuation
        }
    }

    /// Without this a handler that has its verdict would wait for whatever the client sends next.
    fileprivate func stopReading() {
        isReadingOver = true
        reader?.resume(returning: .failure(Self.readingOver))
        reader = nil
    }

    private static var readingOver: MartletError { MartletError(.cancelled, "the document is not read any further") }

    fileprivate func trySend(_ message: [UInt8]) -> ConnectionState.SendOutcome {
        if isSendingOver { return .ended(MartletError(.cancelled, "nothing more is sent on this call")) }
        return connection.send(message, for: id)
    }

    /// Without this a handler that has to end would wait for a client that reads nothing.
    fileprivate func stopSending() {
        isSendingOver = true
        resumeSenders()
    }

    fileprivate func park(_ continuation: CheckedContinuation<Void, Never>) {
        // What the sender waits for may have come while it was on its way here from another thread.
        if ended != nil || isSendingOver || connection.maySend(id) { return continuation.resume() }
        senders.append(continuation)
    }
}

extension NativeCall: MessageSource {
    func nextMessage() async throws(MartletError) -> [UInt8]? {
        let message = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                connection.onLoop { self.takeMessage(continuation) }
            }
        } onCancel: {
            connection.onLoop { self.stopReading() }
        }
        return try message.get()
    }
}

extension NativeCall: MessageSink {
    func send(message: [UInt8]) async throws(MartletError) {
        while true {
            switch await attempt(message) {
            case .sent: return
            case .ended(let error): throw ended(or: error)
            case .wait:
                await withTaskCancellationHandler {
                    await withCheckedContinuation { continuation in connection.onLoop { self.park(continuation) } }
                } onCancel: {
                    connection.onLoop { self.stopSending() }
                }
            }
        }
    }

    private func attempt(_ message: [UInt8]) async -> ConnectionState.SendOutcome {
        if connection.isOnLoop { return trySend(message) }
        return await withCheckedContinuation { continuation in
            connection.onLoop { continuation.resume(returning: self.trySend(message)) }
        }
    }

    private func ended(or error: MartletError) -> MartletError { connection.isOnLoop ? ended ?? error : error }
}
