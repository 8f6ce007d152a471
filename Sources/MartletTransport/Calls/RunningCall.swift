package import MartletCore
internal import MartletWire
internal import NIOCore

/// What can become of a message that a running call sends.
package enum SendOutcome: Sendable {
    case sent
    /// No credit, or too much waits to be written: try again after `.resume`.
    case wait
    /// The call is over.
    case ended(MartletError)
}

/// The protocol's side of running calls: what brings their messages and takes their answers.
protocol CallCarrier: AnyObject, Sendable {
    var loop: any EventLoop { get }
    /// On the loop: sends a message of `call`, if the peer may get one now.
    func send(_ message: [UInt8], of call: RunningCall) -> SendOutcome
    /// On the loop: true when `send` would not answer `.wait`.
    func maySend(_ call: RunningCall) -> Bool
    /// On the loop: the handler took a message of `bytes` bytes and asks for the next.
    func took(messageOf bytes: Int, by call: RunningCall)
    /// On the loop: the call's task has ended.
    func ended(_ call: RunningCall, with error: MartletError?)
}

/// One running call: its task, the messages that wait for its handler, and the handler's sends that wait for the peer.
/// Touched on the connection's event loop only.
final class RunningCall: @unchecked Sendable { // safe: every member is touched on the connection's event loop only
    let id: CallID
    let carrier: any CallCarrier
    private var task: Task<Void, Never>?

    private var inbox = CircularBuffer<[UInt8]>()
    private var inputEnded = false
    private var ended: MartletError?
    /// The handler's reading task was cancelled while the call goes on: an early verdict.
    private var isReadingOver = false
    /// The handler's sending task was cancelled: a version that has to go.
    private var isSendingOver = false
    /// Bytes of the message that the handler works on. Its room is granted back when the next one is asked for, so that
    /// a call holds no more than its credit and one message.
    private var inHand: Int?
    private var reader: CheckedContinuation<Result<[UInt8]?, MartletError>, Never>?
    private var senders: [CheckedContinuation<Void, Never>] = []

    /// - Parameter id: the carrier's own.
    init(id: CallID, carrier: any CallCarrier) {
        self.id = id
        self.carrier = carrier
    }

    /// Runs `body` as a task on the connection's event loop; the carrier hears of its end.
    /// - Parameter request: the only request of a method that takes one; nil when messages follow by `deliver`.
    func start(
        _ body: Call.Body, request: [UInt8]?, context: CallContext, on executor: LoopExecutor
    ) {
        task = Task(executorPreference: executor) {
            var failure: MartletError?
            do throws(MartletError) {
                switch body {
                case .unary(let run):
                    try await self.send(message: try await run(request ?? [], context))
                case .stream(let run):
                    let requests: any MessageSource = request.map { SingleMessage($0) } ?? self
                    try await run(requests, self, context)
                }
            } catch {
                failure = error
            }
            let end = failure
            self.onLoop {
                self.task = nil
                self.carrier.ended(self, with: end)
            }
        }
    }

    /// Runs `body` on the event loop: at once when called there.
    private func onLoop(_ body: @escaping @Sendable () -> Void) {
        if carrier.loop.inEventLoop { body() } else { carrier.loop.execute(body) }
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

    /// What can be had without waiting; nil when that is nothing yet.
    private func takeReady() -> Result<[UInt8]?, MartletError>? {
        if let bytes = inHand {
            inHand = nil
            carrier.took(messageOf: bytes, by: self)
        }
        if let ended { return .failure(ended) }
        if isReadingOver { return .failure(Self.readingOver) }
        if !inbox.isEmpty {
            let message = inbox.removeFirst()
            inHand = message.count
            return .success(message)
        }
        return inputEnded ? .success(nil) : nil
    }

    private func takeMessage(
        _ continuation: CheckedContinuation<Result<[UInt8]?, MartletError>, Never>
    ) {
        if let ready = takeReady() {
            continuation.resume(returning: ready)
        } else if reader != nil {
            continuation.resume(returning: .failure(MartletError(.internalError, "a document has one reader")))
        } else {
            reader = continuation
        }
    }

    /// Without this a handler that has its verdict would wait for whatever the client sends next.
    private func stopReading() {
        isReadingOver = true
        reader?.resume(returning: .failure(Self.readingOver))
        reader = nil
    }

    private static var readingOver: MartletError { MartletError(.cancelled, "the document is not read any further") }

    private func trySend(_ message: [UInt8]) -> SendOutcome {
        if isSendingOver { return .ended(MartletError(.cancelled, "nothing more is sent on this call")) }
        return carrier.send(message, of: self)
    }

    /// Without this a handler that has to end would wait for a client that reads nothing.
    private func stopSending() {
        isSendingOver = true
        resumeSenders()
    }

    private func park(_ continuation: CheckedContinuation<Void, Never>) {
        // What the sender waits for may have come while it was on its way here from another thread.
        if ended != nil || isSendingOver || carrier.maySend(self) { return continuation.resume() }
        senders.append(continuation)
    }
}

extension RunningCall: MessageSource {
    func nextMessage() async throws(MartletError) -> [UInt8]? {
        if carrier.loop.inEventLoop, !Task.isCancelled, let ready = takeReady() { return try ready.get() }
        let message = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                onLoop { self.takeMessage(continuation) }
            }
        } onCancel: {
            onLoop { self.stopReading() }
        }
        return try message.get()
    }
}

extension RunningCall: MessageSink {
    func send(message: [UInt8]) async throws(MartletError) {
        while true {
            switch await attempt(message) {
            case .sent: return
            case .ended(let error): throw ended(or: error)
            case .wait:
                await withTaskCancellationHandler {
                    await withCheckedContinuation { continuation in onLoop { self.park(continuation) } }
                } onCancel: {
                    onLoop { self.stopSending() }
                }
            }
        }
    }

    private func attempt(_ message: [UInt8]) async -> SendOutcome {
        if carrier.loop.inEventLoop { return trySend(message) }
        return await withCheckedContinuation { continuation in
            onLoop { continuation.resume(returning: self.trySend(message)) }
        }
    }

    private func ended(or error: MartletError) -> MartletError { carrier.loop.inEventLoop ? ended ?? error : error }
}
