internal import MartletCore
internal import MartletWire
internal import NIOCore

/// The I/O around `ClientState`.
final class ClientConnection: ChannelInboundHandler,
    @unchecked Sendable // safe: every member is touched on `loop` only
{
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    let loop: any EventLoop
    /// Succeeds with the server's Hello.
    let ready: EventLoopPromise<Void>
    private let options: ClientOptions
    private var state: ClientState
    private var decoder: FrameDecoder
    private var prefaceLeft = Preface.bytes[...]
    private var calls: [CallID: ClientCall] = [:]
    private var pings: [UInt64: CheckedContinuation<Result<Void, MartletError>, Never>] = [:]
    private var lastPing: UInt64 = 0
    private var actions: [ClientState.Action] = []
    private var isPerforming = false
    private var context: ChannelHandlerContext?
    private var outgoing: [UInt8] = []
    private var isFlushScheduled = false
    private var timer: Scheduled<Void>?
    private var timerAt: ContinuousClock.Instant?

    private static let keptBufferBytesMax = 256 << 10

    init(loop: any EventLoop, options: ClientOptions) {
        self.loop = loop
        self.options = options
        ready = loop.makePromise()
        state = ClientState(options: options)
        let frameBytesMax = options.messageBytesMax + FrameDecoder.frameOverheadBytesMax
        decoder = FrameDecoder(
            frameBytesMax: frameBytesMax, inflatedBytesMax: frameBytesMax, arenaBytesMax: 2 * frameBytesMax,
            acceptsCompression: options.compression)
    }

    // MARK: Channel events

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }

    func handlerRemoved(context: ChannelHandlerContext) { self.context = nil }

    func channelActive(context: ChannelHandlerContext) {
        outgoing.append(contentsOf: Preface.bytes)
        state.start(&actions)
        perform()
        context.fireChannelActive()
    }

    func channelInactive(context: ChannelHandlerContext) {
        let handshake =
            state.isReady ? "" : " before it said Hello: it may not be a Martlet server, or another protocol"
        close(MartletError(.unavailable, "the server closed the connection\(handshake)", retryAfter: .milliseconds(1)))
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        close(MartletError(.unavailable, "the connection broke", retryAfter: .milliseconds(1), cause: error))
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        state.writabilityChanged(to: context.channel.isWritable, &actions)
        perform()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var bytes = unwrapInboundIn(data)
        while let expected = prefaceLeft.first {
            guard let byte = bytes.readInteger(as: UInt8.self) else { return }
            guard byte == expected else {
                return close(
                    MartletError(
                        .failedPrecondition,
                        "what answers there is not a Martlet server: its first bytes are not MARTLET1"))
            }
            prefaceLeft.removeFirst()
        }
        let now = ContinuousClock.now
        bytes.withUnsafeReadableBytes { decoder.append($0) }
        do throws(MartletError) {
            while let frame = try decoder.next() {
                state.receive(frame, now: now, &actions)
                perform()
            }
        } catch {
            close(MartletError(.internalError, "the server broke the protocol: \(error.message)"))
        }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        if isFlushScheduled { flush() }
    }

    // MARK: For the client, on the loop

    func start(_ call: ClientCall, _ method: Method, request: [UInt8]?, deadline: ContinuousClock.Instant?) {
        if call.isCancelled { return call.end(MartletError(.cancelled, "the call was cancelled before it began")) }
        let now = ContinuousClock.now
        let id = state.call(
            method, request: request, deadline: deadline, metadata: call.metadata, now: now, &actions)
        call.id = id
        calls[id] = call
        perform()
        setTimer()
    }

    func cancel(_ call: ClientCall, with error: MartletError) {
        call.isCancelled = true
        guard let id = call.id else { return }
        state.cancel(id, with: error, now: .now, &actions)
        perform()
    }

    func send(_ message: [UInt8], for call: ClientCall) -> ClientState.SendOutcome {
        guard let id = call.id else { return .ended }
        let outcome = state.send(message, for: id, &actions)
        perform()
        return outcome
    }

    func maySend(_ call: ClientCall) -> Bool { call.id.map { state.maySend($0) } ?? true }

    func halfClose(_ call: ClientCall) {
        guard let id = call.id else { return }
        state.halfClose(id, &actions)
        perform()
    }

    func took(messageOf bytes: Int, for call: ClientCall) {
        guard let id = call.id else { return }
        state.took(messageOf: bytes, for: id, &actions)
        perform()
    }

    func send(_ ping: ClientPing, _ done: CheckedContinuation<Result<Void, MartletError>, Never>) {
        if ping.isCancelled { return done.resume(returning: .failure(ClientPing.cancelled)) }
        if let over = state.whyOver { return done.resume(returning: .failure(over)) }
        lastPing &+= 1
        pings[lastPing] = done
        ping.data = lastPing
        write(.ping(lastPing))
    }

    func cancel(_ ping: ClientPing) {
        ping.isCancelled = true
        guard let data = ping.data else { return }
        pings.removeValue(forKey: data)?.resume(returning: .failure(ClientPing.cancelled))
    }

    func close(_ error: MartletError) {
        state.close(error, &actions)
        perform()
    }

    // MARK: Actions

    private func perform() {
        // Performing may raise further events: the outermost call goes on with them.
        guard !isPerforming else { return }
        isPerforming = true
        var index = 0
        while index < actions.count {
            let action = actions[index]
            index += 1
            switch action {
            case .write(let frame): write(frame)
            case .ready: ready.succeed()
            case .deliver(let id, let message): calls[id]?.deliver(message)
            case .resume(let id): calls[id]?.resumeSenders()
            case .end(let id, let error): calls.removeValue(forKey: id)?.end(error)
            case .pong(let data): pings.removeValue(forKey: data)?.resume(returning: .success(()))
            case .close(let error): closeChannel(error)
            }
        }
        actions.removeAll(keepingCapacity: true)
        isPerforming = false
    }

    private func closeChannel(_ error: MartletError) {
        flush()
        timer?.cancel()
        timer = nil
        ready.fail(error)
        for ping in pings.values { ping.resume(returning: .failure(ClientState.lost(error))) }
        pings = [:]
        context?.close(promise: nil)
    }

    private func write(_ frame: Frame) {
        FrameEncoder.append(frame, compress: options.compression && state.serverAcceptsCompression, to: &outgoing)
        guard !isFlushScheduled else { return }
        isFlushScheduled = true
        // After what is queued on the loop now: calls that start together leave in one write.
        loop.execute { self.flush() }
    }

    private func flush() {
        isFlushScheduled = false
        guard !outgoing.isEmpty, let context else { return }
        let bytes = context.channel.allocator.buffer(bytes: outgoing)
        if outgoing.capacity > Self.keptBufferBytesMax {
            outgoing = []
        } else {
            outgoing.removeAll(keepingCapacity: true)
        }
        context.writeAndFlush(wrapOutboundOut(bytes), promise: nil)
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
