internal import MartletCore
internal import MartletWire
internal import NIOCore

/// Tells protocols apart by the first bytes of a connection, and hands it over.
final class FirstBytesDetector: ChannelInboundHandler, RemovableChannelHandler, ServedConnection,
    @unchecked Sendable // safe: every member is touched on the channel's event loop only
{
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer

    private enum State { case waiting, refused, handedOver }

    private let shared: ServerShared
    private let setup: ConnectionSetup
    private var state = State.waiting
    private var received: ByteBuffer?
    private var timer: Scheduled<Void>?
    private var channel: (any Channel)?

    init(setup: ConnectionSetup) {
        shared = setup.shared
        self.setup = setup
    }

    func handlerAdded(context: ChannelHandlerContext) {
        let channel = context.channel
        self.channel = channel
        let limit = shared.limits.handshakeTimeout
        // From accept on: a TLS handshake before this one took its part.
        let left = max(.zero, ContinuousClock.now.duration(to: setup.accepted.advanced(by: limit)))
        timer = context.eventLoop.scheduleTask(in: TimeAmount(left)) { [weak self] in
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
        let first = FirstBytes(bytes.readableBytesView)
        if setup.tlsStage == .required, first != .tls, first != .incomplete {
            return refuse(
                MartletError(.failedPrecondition, "this port speaks TLS only"), guess: "no TLS, which this port needs",
                asHTTP: first == .http1)
        }
        switch first {
        case .incomplete: received = bytes
        case .unknown:
            refuse(
                MartletError(.invalidArgument, "the first bytes are of no protocol that is spoken here"),
                guess: "no known first bytes")
        case .native:
            bytes.moveReaderIndex(forwardBy: Preface.bytes.count)
            handOver(bytes, context) { try setup.native($0) }
        case .http2: handOver(bytes, context) { try setup.http2($0) }
        case .http1: handOver(bytes, context) { try setup.http1($0) }
        case .tls: handOver(bytes, context) { try setup.tls($0) }
        }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        if state == .handedOver { context.fireChannelReadComplete() }
    }

    /// The new handlers are added before the bytes are passed on, and this one goes last, so that nothing is lost
    /// between.
    private func handOver(_ rest: ByteBuffer, _ context: ChannelHandlerContext, to add: (any Channel) throws -> Void) {
        do {
            try add(context.channel)
        } catch {
            return refuse(MartletError(wrapping: error, while: "taking the connection over"))
        }
        state = .handedOver
        received = nil
        timer?.cancel()
        if rest.readableBytes > 0 { context.fireChannelRead(wrapInboundOut(rest)) }
        context.fireChannelReadComplete()
        context.pipeline.syncOperations.removeHandler(self, promise: nil)
    }

    /// A failed TLS handshake, or a socket that broke.
    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        if state == .waiting, setup.tlsStage == .established {
            shared.notice(.failedHandshake(reason: "\(type(of: error))"))
        }
        state = .refused
        timer?.cancel()
        context.close(promise: nil)
    }

    private func refuse(_ error: MartletError, guess: String? = nil, asHTTP: Bool = false) {
        guard state == .waiting, let channel else { return }
        state = .refused
        timer?.cancel()
        if let guess { shared.notice(.unknownProtocol(guess: guess)) }
        guard asHTTP else {
            return GoAwayBytes.send(error, on: channel, lingering: shared.limits.lingerTimeout)
        }
        // What a browser shows that was sent here with http://.
        let text = error.message + "\n"
        let head = [
            "HTTP/1.1 400 Bad Request", "content-type: text/plain", "connection: close",
            "content-length: \(text.utf8.count)", "", text,
        ]
        channel.writeAndFlush(channel.allocator.buffer(string: head.joined(separator: "\r\n")), promise: nil)
        LingeringClose.begin(on: channel, flushWithin: shared.limits.lingerTimeout, for: shared.limits.lingerTimeout)
    }

    func drain() { refuse(.shuttingDown) }

    func cut(_ error: MartletError) -> Int {
        channel?.close(promise: nil)
        return 0
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
