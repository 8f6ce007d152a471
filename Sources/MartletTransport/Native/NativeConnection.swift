internal import MartletCore
internal import MartletWire
internal import NIOCore

/// The I/O around `ConnectionState`: bytes in, tasks for calls, bytes out in one write per turn of the event loop.
final class NativeConnection: ChannelInboundHandler, ServedConnection, CallCarrier,
    @unchecked Sendable // safe: every member is touched on `loop` only
{
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let shared: ServerShared
    private let mayManage: Bool
    private let executor: LoopExecutor
    let loop: any EventLoop
    private var state: ConnectionState
    private var decoder: FrameDecoder
    private var calls: [CallID: RunningCall] = [:]
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

    init(setup: ConnectionSetup) {
        shared = setup.shared
        mayManage = setup.mayManage
        executor = setup.executor
        loop = executor.loop
        let limits = shared.limits
        let table = shared.contract.calls
        state = ConnectionState(limits: limits, software: shared.software, accepted: setup.accepted) {
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
        // After the other sockets that are readable in this turn, as `SocketEdge` does.
        if isFlushScheduled { loop.execute { self.flush() } }
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
        let call = RunningCall(id: id, carrier: self)
        calls[id] = call
        shared.tasks.increment()
        call.start(body(of: method), request: request, context: context, on: executor)
    }

    private func body(of method: Method) -> Call.Body {
        do throws(MartletError) {
            return try shared.contract.calls.call(at: method.path, mayManage: mayManage).body
        } catch {
            return .stream { (_, _, _) throws(MartletError) in throw error }
        }
    }

    func ended(_ call: RunningCall, with error: MartletError?) {
        calls[call.id] = nil
        shared.tasks.decrement()
        state.finish(call.id, with: error, now: .now, &actions)
        state.taskEnded()
        perform()
        setTimer()
    }

    // MARK: For running calls

    func send(_ message: [UInt8], of call: RunningCall) -> SendOutcome {
        let outcome = state.send(message, for: call.id, &actions)
        perform()
        return outcome
    }

    func maySend(_ call: RunningCall) -> Bool { state.maySend(call.id) }

    func took(messageOf bytes: Int, by call: RunningCall) {
        state.took(messageOf: bytes, for: call.id, &actions)
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
        if outgoing.capacity > Self.keptBufferBytesMax {
            outgoing = []
        } else {
            outgoing.removeAll(keepingCapacity: true)
        }
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
        timer = loop.scheduleTask(in: TimeAmount(left)) { self.timerFired() }
    }

    private func timerFired() {
        timer = nil
        timerAt = nil
        state.alarm(now: .now, &actions)
        perform()
        setTimer()
    }
}
