internal import MartletCore
internal import MartletWire
internal import NIOCore

/// The I/O around `ConnectionState`: bytes in, tasks for calls, bytes out in one write per turn of the event loop.
final class NativeConnection: ChannelInboundHandler, ServedConnection, @unchecked Sendable { // safe: every member is touched on `loop` only
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let shared: ServerShared
    private let executor: LoopExecutor
    private let loop: any EventLoop
    private var state: ConnectionState
    private var decoder: FrameDecoder
    private var calls: [CallID: NativeCall] = [:]
    private var actions: [ConnectionState.Action] = []
    private var isPerforming = false
    private var context: ChannelHandlerContext?

    private var outgoing: [UInt8] = []
    private var isFlushScheduled = false
    private var isReading = false
    private var sawFrames = false
    private var timer: Scheduled<Void>?
    private var timerAt: ContinuousClock.Instant?

    /// The buffer for what goes out is given back when one large answer grew it beyond this.
    private static let keptBufferBytesMax = 256 << 10

    init(shared: ServerShared, executor: LoopExecutor, accepted: ContinuousClock.Instant) {
        self.shared = shared
        self.executor = executor
        loop = executor.loop
        let limits = shared.limits
        let table = shared.contract.calls
        state = ConnectionState(limits: limits, software: shared.software, accepted: accepted) {
            table[$0]?.method
        }
        decoder = shared.makeDecoder()
    }

    // MARK: Channel events

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        let mustDrain = shared.connections.serve(context.channel, by: self)
        outgoing.append(contentsOf: Preface.bytes)
        state.start(&actions)
        perform()
        setTimer()
        if mustDrain { drain() }
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        closed()
        self.context = nil
    }

    func channelInactive(context: ChannelHandlerContext) {
        closed()
        context.fireChannelInactive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard !state.isClosed else { return }
        isReading = true
        let now = ContinuousClock.now
        unwrapInboundIn(data).withUnsafeReadableBytes { decoder.append($0) }
        do throws(MartletError) {
            while let frame = try decoder.next() {
                sawFrames = true
                state.receive(frame, now: now, &actions)
                perform()
                if state.isClosed { return }
            }
        } catch {
            state.fail(error, &actions)
            perform()
        }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        // Jobs of the calls that came in this read: their answers join one write.
        executor.runJobs()
        isReading = false
        state.readEnded(partialFrame: decoder.bufferedBytes > 0, sawFrames: sawFrames, now: .now)
        sawFrames = false
        if isFlushScheduled { flush() }
        setTimer()
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        state.writabilityChanged(to: context.channel.isWritable, now: .now, &actions)
        perform()
        setTimer()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        state.peerClosed(&actions)
        perform()
    }

    private func closed() {
        timer?.cancel()
        timer = nil
        state.peerClosed(&actions)
        perform()
    }

    // MARK: Actions

    private func perform() {
        // Performing may raise further events (a close runs `channelInactive` inside): the outermost one goes on.
        guard !isPerforming else { return }
        isPerforming = true
        var index = 0
        while index < actions.count {
            let action = actions[index]
            index += 1
            perform(action)
        }
        actions.removeAll(keepingCapacity: true)
        isPerforming = false
    }

    private func perform(_ action: ConnectionState.Action) {
        switch action {
        case .write(let frame): write(frame)
        case .start(let id, let method, let request, let times, let metadata):
            let context = CallContext(deadline: Deadline(times.deadline), arrival: times.arrival, metadata: metadata)
            start(id, method, request, context)
        case .deliver(let id, let message): calls[id]?.deliver(message)
        case .endInput(let id): calls[id]?.endInput()
        case .resume(let id): calls[id]?.resumeSenders()
        case .stop(let id, let error): calls[id]?.stop(error)
        case .note(let notice): shared.notice(notice)
        case .close:
            flush()
            guard let context else { return }
            LingeringClose.begin(
                on: context.channel, flushWithin: shared.limits.frameTimeout, for: shared.limits.lingerTimeout)
        case .abort: context?.close(promise: nil)
        }
    }

    private func start(
        _ id: CallID, _ method: Method, _ request: [UInt8]?, _ context: CallContext
    ) {
        let body = shared.contract.calls[method.path]?.body
        let call = NativeCall(id: id, connection: self)
        calls[id] = call
        shared.tasks.increment()
        call.task = Task(executorPreference: executor) {
            var failure: MartletError?
            do throws(MartletError) {
                switch body {
                case .unary(let run):
                    try await call.send(message: try await run(request ?? [], context))
                case .stream(let run):
                    let requests: any MessageSource = request.map { SingleMessage($0) } ?? call
                    try await run(requests, call, context)
                case nil: throw MartletError(.unimplemented, "this server has no such method")
                }
            } catch {
                failure = error
            }
            let end = failure
            call.connection.onLoop { call.connection.ended(call, with: end) }
        }
    }

    private func ended(_ call: NativeCall, with error: MartletError?) {
        calls[call.id] = nil
        call.task = nil
        shared.tasks.decrement()
        state.finish(call.id, with: error, now: .now, &actions)
        state.taskEnded()
        perform()
        setTimer()
    }

    // MARK: For running calls

    var isOnLoop: Bool { loop.inEventLoop }

    /// Runs `body` on the event loop: at once when called there.
    func onLoop(_ body: @escaping @Sendable () -> Void) {
        if loop.inEventLoop { body() } else { loop.execute(body) }
    }

    func send(_ message: [UInt8], for id: CallID) -> ConnectionState.SendOutcome {
        let outcome = state.send(message, for: id, &actions)
        perform()
        return outcome
    }

    func maySend(_ id: CallID) -> Bool { state.maySend(id) }

    func took(messageOf bytes: Int, for id: CallID) {
        state.took(messageOf: bytes, for: id, &actions)
        perform()
    }

    // MARK: ServedConnection

    func drain() {
        state.drain(because: "the server is shutting down", &actions)
        perform()
    }

    func cut(_ error: MartletError) -> Int {
        let calls = state.cut(error, &actions)
        perform()
        return calls
    }

    // MARK: Writing

    private func write(_ frame: Frame) {
        FrameEncoder.append(
            frame, compress: shared.compressesAnswers && state.peerAcceptsCompression, to: &outgoing)
        if outgoing.count > shared.limits.outboundPauseBytes { return flush() }
        guard !isFlushScheduled else { return }
        isFlushScheduled = true
        if isReading || executor.afterJobs({ [self] in flush() }) { return }
        loop.execute { self.flush() }
    }

    private func flush() {
        isFlushScheduled = false
        guard !outgoing.isEmpty, let context else { return }
        let bytes = context.channel.allocator.buffer(bytes: outgoing)
        // Emptied first: the write may call `channelWritabilityChanged`, which writes again.
        if outgoing.capacity > Self.keptBufferBytesMax { outgoing = [] } else { outgoing.removeAll(keepingCapacity: true) }
        context.writeAndFlush(wrapOutboundOut(bytes), promise: nil)
        guard !context.channel.isWritable,
            let waiting = try? context.channel.syncOptions?.getOption(.bufferedWritableBytes),
            waiting > shared.limits.outboundBytesMax
        else { return }
        state.peerStalled(&actions)
        perform()
    }

    // MARK: Time

    private func setTimer() {
        guard let due = state.nextAlarm else { return }
        if let timerAt, timerAt <= due { return }
        timer?.cancel()
        timerAt = due
        let left = max(.zero, ContinuousClock.now.duration(to: due))
        timer = loop.scheduleTask(in: TimeAmount(left)) { [weak self] in self?.timerFired() }
    }

    private func timerFired() {
        timer = nil
        timerAt = nil
        state.alarm(now: .now, &actions)
        perform()
        setTimer()
    }
}
