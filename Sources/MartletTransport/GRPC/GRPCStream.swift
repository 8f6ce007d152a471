internal import MartletCore
internal import MartletWire
internal import NIOCore
internal import NIOHPACK
internal import NIOHTTP2

/// One HTTP/2 stream: a gRPC call. A stream that is none is given to the HTTP routes.
final class GRPCStream: ChannelInboundHandler, RemovableChannelHandler, HTTP2Call,
    @unchecked Sendable // safe: every member is touched on the event loop only
{
    typealias InboundIn = HTTP2Frame.FramePayload
    typealias InboundOut = HTTP2Frame.FramePayload
    typealias OutboundOut = HTTP2Frame.FramePayload

    enum State {
        /// Waits for its header list.
        case new
        /// Takes messages and answers.
        case open(Call)
        /// Has its status, or is gone.
        case ended(MartletError)
        /// Belongs to the HTTP routes.
        case handedOver
    }

    let connection: HTTP2Connection
    var state = State.new
    var context: ChannelHandlerContext?
    var input: GRPCInput?
    var call: RunningCall?
    private var callContext = CallContext()
    var deadlineTimer: Scheduled<Void>?
    var answerEncoding = MessageEncoding.identity
    var headSent = false
    /// The peer has half-closed.
    var inputEnded = false
    /// Bytes of messages that the handler has not taken yet.
    var waitingBytes = 0
    /// What of this stream counts in `HTTP2Connection.hold`, beside `waitingBytes`.
    var partialBytes = 0
    private var isReadPending = false

    init(connection: HTTP2Connection) { self.connection = connection }

    var shared: ServerShared { connection.setup.shared }
    var loop: any EventLoop { connection.loop }

    // MARK: Channel events

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }
    func handlerRemoved(context: ChannelHandlerContext) { self.context = nil }

    func channelActive(context: ChannelHandlerContext) {
        context.fireChannelActive()
        context.read()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        if case .handedOver = state { return context.fireChannelRead(data) }
        switch unwrapInboundIn(data) {
        case .headers(let frame):
            if case .new = state {
                receive(frame.headers, context, data)
                if case .handedOver = state { return }
            }
            if frame.endStream { receiveEnd() }
        case .data(let frame):
            if case .byteBuffer(let bytes) = frame.data, bytes.readableBytes > 0 { receive(bytes) }
            if frame.endStream { receiveEnd() }
        default: break
        }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        isReadPending = false
        if case .handedOver = state { return context.fireChannelReadComplete() }
        // While the other streams of this read are still to come: nio-http2 then flushes the answers of all at once.
        connection.setup.executor.runJobs()
        readMore()
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if context.channel.isWritable { call?.resumeSenders() }
        context.fireChannelWritabilityChanged()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        if case .handedOver = state { return context.fireErrorCaught(error) }
        lost(MartletError(.cancelled, "the client cancelled the call"))
    }

    func channelInactive(context: ChannelHandlerContext) {
        lost(MartletError(.cancelled, "the client closed the connection"))
        context.fireChannelInactive()
    }

    // MARK: Request

    private func receive(_ headers: HPACKHeaders, _ context: ChannelHandlerContext, _ data: NIOAny) {
        guard GRPCRequestHead.isGRPC(headers) else { return handOver(headers, context, data) }
        do throws(MartletError) {
            let arrival = ContinuousClock.now
            let head = try GRPCRequestHead(headers)
            let call = try shared.contract.calls.call(at: head.path, mayManage: connection.setup.mayManage)
            answerEncoding = .ofAnswers(
                request: head.encoding, acceptable: head.acceptable, prefersCompression: shared.compressesAnswers)
            var deadline = Deadline.none
            if let timeout = head.timeout {
                guard timeout > .zero else { throw .callDeadlinePassed }
                deadline = Deadline(arrival.advanced(by: timeout))
                deadlineTimer = loop.scheduleTask(in: TimeAmount(timeout)) {
                    self.end(with: .callDeadlinePassed)
                }
            }
            callContext = CallContext(deadline: deadline, arrival: arrival, metadata: head.metadata)
            input = GRPCInput(
                clientStreams: call.method.clientStreams, encoding: head.encoding,
                messageBytesMax: shared.limits.messageBytesMax)
            state = .open(call)
            if call.method.clientStreams { try start(call, request: nil) }
        } catch {
            end(with: error)
        }
    }

    private func receive(_ bytes: ByteBuffer) {
        guard case .open(let call) = state else { return }
        var events: [GRPCInput.Event] = []
        do throws(MartletError) {
            try input?.receive(bytes, &events)
            try perform(events, call)
            let partial = input?.heldBytes ?? 0
            let change = partial - partialBytes
            partialBytes = partial
            try connection.hold(change)
        } catch {
            end(with: error)
        }
    }

    private func receiveEnd() {
        inputEnded = true
        guard case .open(let call) = state else { return }
        var events: [GRPCInput.Event] = []
        do throws(MartletError) {
            try input?.end(&events)
            try connection.hold(-partialBytes)
            partialBytes = 0
            try perform(events, call)
        } catch {
            end(with: error)
        }
    }

    private func perform(_ events: [GRPCInput.Event], _ call: Call) throws(MartletError) {
        for event in events {
            switch event {
            case .start(let request): try start(call, request: request)
            case .deliver(let message):
                let cost = CreditCost.bytes(ofPayload: message.count)
                waitingBytes += cost
                try connection.hold(cost)
                self.call?.deliver(message)
            case .end: self.call?.endInput()
            }
        }
    }

    private func start(_ call: Call, request: [UInt8]?) throws(MartletError) {
        try connection.admit(self)
        let running = RunningCall(id: 0, carrier: self)
        self.call = running
        running.start(call.body, request: request, context: callContext, on: connection.setup.executor)
    }

    /// The peer may send more while little waits for the handler: what is not read takes no window update.
    func readMore() {
        guard !isReadPending, !inputEnded, waitingBytes < shared.limits.callCreditBytes / 2, let context else { return }
        if case .ended = state { return }
        isReadPending = true
        context.read()
    }

    // MARK: Not gRPC

    /// A request may name its host by `host` alone, as HAProxy's health checks do (RFC 9113, section 8.3.1).
    /// nio-http2's codec resets the stream of one without `:authority`.
    private func withAuthority(_ data: NIOAny) -> NIOAny {
        guard case .headers(var frame) = unwrapInboundIn(data), !frame.headers.contains(name: ":authority") else {
            return data
        }
        var fields = frame.headers.map { ($0.name, $0.value) }
        fields.insert((":authority", frame.headers.first(name: "host") ?? ""), at: 0)
        frame.headers = HPACKHeaders(fields)
        return wrapInboundOut(.headers(frame))
    }

    private func handOver(_ headers: HPACKHeaders, _ context: ChannelHandlerContext, _ data: NIOAny) {
        state = .handedOver
        do {
            let path = headers.first(name: ":path") ?? ""
            if headers.first(name: ":method") == "POST", shared.contract.calls[path] != nil,
                !shared.contract.routes.contains(where: { $0.pattern == path })
            {
                throw MartletError(.invalidArgument, "a call needs the content type application/grpc")
            }
            try connection.setup.addHTTPHandlers(to: context.channel, of: connection)
        } catch {
            let status = error is MartletError ? "415" : "500"
            context.write(
                wrapOutboundOut(.headers(.init(headers: [":status": status], endStream: true))), promise: nil)
            if case .headers(let frame) = unwrapInboundIn(data), !frame.endStream {
                // Nobody reads what the client still sends.
                context.write(wrapOutboundOut(.rstStream(.noError)), promise: nil)
            }
            return context.flush()
        }
        context.fireChannelRead(withAuthority(data))
        context.pipeline.syncOperations.removeHandler(self, promise: nil)
    }
}
