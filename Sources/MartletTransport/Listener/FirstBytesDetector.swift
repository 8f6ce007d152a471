internal import MartletCore
internal import MartletWire
internal import NIOCore

/// Tells protocols apart by the first bytes of a connection, and hands it over. Native only so far.
final class FirstBytesDetector: ChannelInboundHandler, RemovableChannelHandler, ServedConnection, @unchecked Sendable { // safe: every member is touched on the channel's event loop only
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer

    private enum State { case waiting, refused, handedOver }

    private let shared: NativeShared
    private let executor: LoopExecutor
    private let accepted = ContinuousClock.now
    private var state = State.waiting
    private var received: ByteBuffer?
    private var timer: Scheduled<Void>?
    private var channel: (any Channel)?

    init(shared: NativeShared, executor: LoopExecutor) {
        self.shared = shared
        self.executor = executor
    }

    func handlerAdded(context: ChannelHandlerContext) {
        let channel = context.channel
        self.channel = channel
        let limit = shared.limits.handshakeTimeout
        timer = context.eventLoop.scheduleTask(in: TimeAmount(limit)) { [weak self] in
            self?.refuse(
                MartletError(.deadlineExceeded, "no preface came within \(limit)"), guess: "nothing for \(limit)")
        }
        if shared.connections.serve(channel, by: self) { drain() }
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        timer?.cancel()
        channel = nil
    }

    func channelInactive(context: ChannelHandlerContext) {
        timer?.cancel()
        context.fireChannelInactive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch state {
        case .refused: return
        case .handedOver: return context.fireChannelRead(data)
        case .waiting: break
        }
        var bytes = unwrapInboundIn(data)
        if var before = received {
            before.writeBuffer(&bytes)
            bytes = before
        }
        switch Preface.match(bytes.readableBytesView.prefix(Preface.bytes.count)) {
        case .incomplete: received = bytes
        case .wrong:
            refuse(
                MartletError(.invalidArgument, "the first 8 bytes must be MARTLET1"), guess: Self.guess(bytes))
        case .complete:
            bytes.moveReaderIndex(forwardBy: Preface.bytes.count)
            handOver(bytes, context)
        }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        if state == .handedOver { context.fireChannelReadComplete() }
    }

    /// The new handler is added before the bytes are passed on, and this one goes last, so that nothing is lost between.
    private func handOver(_ rest: ByteBuffer, _ context: ChannelHandlerContext) {
        state = .handedOver
        received = nil
        timer?.cancel()
        let connection = NativeConnection(shared: shared, executor: executor, accepted: accepted)
        do {
            try context.pipeline.syncOperations.addHandler(connection)
        } catch {
            return context.close(promise: nil)
        }
        if rest.readableBytes > 0 { context.fireChannelRead(wrapInboundOut(rest)) }
        context.fireChannelReadComplete()
        context.pipeline.syncOperations.removeHandler(self, promise: nil)
    }

    private func refuse(_ error: MartletError, guess: String? = nil) {
        guard state == .waiting, let channel else { return }
        state = .refused
        timer?.cancel()
        if let guess { shared.notice(.unknownProtocol(guess: guess)) }
        GoAwayBytes.send(error, on: channel, lingering: shared.limits.lingerTimeout)
    }

    func drain() { refuse(MartletError(.unavailable, "the server is shutting down")) }

    func cut(_ error: MartletError) -> Int {
        channel?.close(promise: nil)
        return 0
    }

    /// What the bytes look like, for the log; never the bytes themselves.
    private static func guess(_ bytes: ByteBuffer) -> String {
        let first = bytes.readableBytesView.prefix(8)
        if first.starts(with: Array("PRI * HT".utf8).prefix(first.count)) { return "HTTP/2, which this port does not speak" }
        if first.first == 0x16 { return "TLS, which this port does not speak" }
        if let byte = first.first, (0x41...0x5A).contains(byte) { return "HTTP/1.1 or text, which this port does not speak" }
        return "no known first bytes"
    }
}

/// A refusal before any handshake: our preface, so that the frame can be read, then GoAway.
enum GoAwayBytes {
    static func send(_ error: MartletError, on channel: any Channel, lingering: Duration) {
        var bytes = Preface.bytes
        let goAway = Frame.GoAway(lastCallID: 0, code: error.code.value, reason: error.message)
        FrameEncoder.append(.goAway(goAway), compress: false, to: &bytes)
        channel.writeAndFlush(channel.allocator.buffer(bytes: bytes), promise: nil)
        LingeringClose.begin(on: channel, flushWithin: lingering, for: lingering)
    }
}
