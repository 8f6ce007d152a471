internal import MartletCore
internal import MartletWire
internal import NIOCore
internal import NIOHTTP1

/// Answers the requests of an HTTP/1.1 connection one after the other, or the one request of an HTTP/2 stream.
///
/// A request that is pipelined waits in `waiting` until the answer before it is written; while something waits there,
/// or the peer does not read, nothing more is read from the socket.
final class HTTPConnection: ChannelDuplexHandler, ServedConnection, HTTP2Call, @unchecked Sendable { // safe: on `loop`
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundIn = HTTPServerResponsePart
    typealias OutboundOut = HTTPServerResponsePart

    /// Header fields of one request. The bytes of all of them together are in `Limits`.
    static let headerFieldsMax = 256

    /// Of a body that nobody reads: cheaper to drop than a new connection.
    private static let skippedBytesMax = 64 << 10

    /// What brings the requests.
    enum Transport {
        /// HTTP/1.1 on a socket of its own; the watch sees its bytes first.
        case socket(HTTPInputWatch)
        /// One request on a stream of this connection.
        case stream(HTTP2Connection)
    }

    private enum Waiting {
        case part(HTTPServerRequestPart)
        case failure(MartletError)
    }

    // What the extension in HTTPConnection+Answers.swift needs too is not private.
    let loop: any EventLoop
    let shared: ServerShared
    private let setup: ConnectionSetup
    let transport: Transport
    var output: HTTPOutput
    var alarms: ConnectionAlarms
    var context: ChannelHandlerContext?
    var current: HTTPCall?
    private var waiting = CircularBuffer<Waiting>()
    /// Bytes of the current body that came in this read.
    var arrived: [UInt8] = []
    private var calls: UInt64 = 0
    private var isReadWithheld = false
    var isDraining = false
    var isClosing = false
    private var timer: Scheduled<Void>?
    private var timerAt: ContinuousClock.Instant?

    init(setup: ConnectionSetup, over transport: Transport) {
        self.setup = setup
        self.transport = transport
        shared = setup.shared
        let isStream = if case .stream = transport { true } else { false }
        loop = setup.executor.loop
        output = HTTPOutput(isStream: isStream, compresses: setup.shared.compressesAnswers)
        alarms = ConnectionAlarms(limits: setup.shared.limits, accepted: isStream ? .now : setup.accepted)
    }

    var isStream: Bool { output.isStream }

    private var watch: HTTPInputWatch? { if case .socket(let watch) = transport { watch } else { nil } }

    // MARK: Channel events

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        watch?.tooMuch = { [self] in
            guard !isClosing else { return }
            failed(.http(400, .invalidArgument, "the request has more chunk extensions than this server reads"))
        }
        setTimer()
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        lost()
        watch?.tooMuch = {}
        self.context = nil
    }

    func channelInactive(context: ChannelHandlerContext) {
        lost()
        context.fireChannelInactive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard !isClosing else { return }
        let part = unwrapInboundIn(data)
        if let watch {
            if case .end = part { watch.used(isEnd: true) } else { watch.used(isEnd: false) }
        }
        if waiting.isEmpty, takesNow(part) { receive(part) } else { waiting.append(.part(part)) }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        deliverArrived()
        watchHead()
        setTimer()
        context.fireChannelReadComplete()
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if context.channel.isWritable {
            current?.running?.resumeSenders()
            proceed()
        }
        context.fireChannelWritabilityChanged()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        guard !isClosing else { return }
        guard let failure = failure(of: error) else {
            // The socket's own: nobody is there to be answered.
            lost()
            return context.close(promise: nil)
        }
        failed(failure)
    }

    /// The bytes are no request.
    private func failed(_ failure: MartletError) {
        shared.notice(.protocolError(failure))
        if waiting.isEmpty, takesFailureNow { fail(failure) } else { waiting.append(.failure(failure)) }
    }

    func read(context: ChannelHandlerContext) {
        if mayRead { context.read() } else { isReadWithheld = true }
    }

    private var mayRead: Bool {
        if isClosing { return true }
        guard waiting.isEmpty else { return false }
        if let current { return current.bodyWaiting < shared.limits.callCreditBytes }
        return context?.channel.isWritable ?? true
    }

    func readMore() {
        guard isReadWithheld, mayRead, let context else { return }
        isReadWithheld = false
        if let current, !current.bodyEnded { alarms.frame(isPartial: true, sawFrames: true, now: .now) }
        context.read()
    }

    // MARK: Requests

    private func takesNow(_ part: HTTPServerRequestPart) -> Bool {
        guard case .head = part else { return true }
        return current == nil && (context?.channel.isWritable ?? true)
    }

    /// A request that is being read fails with the parser; one that was read whole is answered first.
    private var takesFailureNow: Bool { current.map { !$0.bodyEnded } ?? true }

    private func receive(_ part: HTTPServerRequestPart) {
        switch part {
        case .head(let head): begin(head)
        case .body(let bytes):
            guard let current, !current.bodyEnded else { return }
            if case .done = current.answered { return skip(bytes.readableBytes, of: current) }
            let now = ContinuousClock.now
            current.sawBody = true
            arrived.append(contentsOf: bytes.readableBytesView)
            if arrived.count >= 64 << 10 { deliverArrived() }
            alarms.frame(isPartial: true, sawFrames: !current.isReadWhole, now: now)
            if current.bodyWaiting >= shared.limits.callCreditBytes {
                // The route is the slow one here.
                alarms.frame(isPartial: false, sawFrames: false, now: now)
            }
        case .end:
            deliverArrived()
            alarms.frame(isPartial: false, sawFrames: false, now: .now)
            guard let current, !current.bodyEnded else { return }
            current.bodyEnded = true
            if case .done = current.answered {
                self.current = nil
                proceed()
            } else {
                current.running?.endInput()
            }
        }
    }

    /// The rest of a body whose request was answered already.
    private func skip(_ bytes: Int, of call: HTTPCall) {
        call.skippedBytes += bytes
        if call.skippedBytes > Self.skippedBytesMax { close() }
    }

    private func deliverArrived() {
        guard !arrived.isEmpty else { return }
        current?.bodyWaiting += arrived.count
        current?.running?.deliver(arrived)
        arrived = []
    }

    /// Takes what waits, as far as the answers before it are written.
    func proceed() {
        while !isClosing, let next = waiting.first {
            switch next {
            case .part(let part):
                guard takesNow(part) else { return }
                waiting.removeFirst()
                receive(part)
            case .failure(let error):
                guard takesFailureNow else { return }
                waiting.removeFirst()
                return fail(error)
            }
        }
        readMore()
    }

    private func begin(_ head: HTTPRequestHead) {
        let now = ContinuousClock.now
        alarms.handshakeDone(now: now)
        alarms.calls(open: 1, now: now)
        calls += 1
        let call = HTTPCall(
            id: calls, request: .init(isHead: head.method == .HEAD, isVersion1_0: head.version.minor == 0))
        current = call
        do throws(MartletError) {
            let facts = try HTTPRequestFacts(head, isStream: isStream, arrival: now)
            call.request.acceptsGzip = facts.acceptsGzip
            call.keepsAlive = facts.keepsAlive
            call.waitsForContinue = facts.waitsForContinue
            call.isSmall = isStream || facts.declaredLength.map { $0 <= Self.skippedBytesMax } ?? false
            let match: HTTPRouter.Match
            switch shared.contract.router.find(facts.method, facts.target) {
            case .found(let found): match = found
            case .noPath where facts.target.isAsterisk && facts.method == "OPTIONS":
                let header = (name: "allow", value: "GET, HEAD, OPTIONS, POST")
                return answer(HTTPResponse(status: 204, headers: [header]), of: call)
            case .noPath:
                throw .http(404, .notFound, "there is nothing at this path; GET /openapi.json tells what there is")
            case .noMethod(let allowed):
                let header = (name: "allow", value: allowed.joined(separator: ", "))
                if facts.method == "OPTIONS" { return answer(HTTPResponse(status: 204, headers: [header]), of: call) }
                var response = HTTPFailure.response(
                    .http(
                        405, .unimplemented,
                        "this path answers \(header.value), not \(HTTPExchange.shown(facts.method))"))
                response.headers.append(header)
                return answer(response, of: call)
            }
            call.failure = match.route.failure
            guard setup.mayManage || !match.route.isManagement else { throw .managedElsewhere }
            try run(match, facts, call)
        } catch {
            if !(error.httpStatus == 404 || error.httpStatus == 403) { call.keepsAlive = false }
            answer(call.failure(error), of: call)
        }
    }

    /// - Throws: `.resourceExhausted` when the streams of this connection have too much work already.
    private func run(
        _ match: HTTPRouter.Match, _ facts: HTTPRequestFacts, _ call: HTTPCall
    ) throws(MartletError) {
        switch transport {
        case .socket: shared.tasks.increment()
        case .stream(let connection): try connection.admit(self)
        }
        if let deadline = facts.context.deadline.instant {
            alarms.add(deadline: deadline)
            call.deadline = deadline
        }
        if facts.declaredLength != 0 { alarms.frame(isPartial: true, sawFrames: true, now: facts.context.arrival) }
        let running = RunningCall(id: call.id, carrier: self)
        call.running = running
        running.start(
            .stream { [self] (source, sink, context) throws(MartletError) in
                let body = HTTPRequestBody(source: source, facts: facts) { whole in
                    self.onLoop { self.wantsBody(of: call, whole: whole) }
                }
                let exchange = HTTPExchange(
                    method: facts.method, path: facts.target.path, parameters: match.parameters,
                    query: facts.target.query, headers: facts.headers, body: body, context: context)
                let response: HTTPResponse
                do throws(MartletError) {
                    response = try await match.route.run(exchange)
                } catch {
                    response = match.route.failure(error)
                }
                onLoop { self.answer(response, of: call) }
                if case .stream(let send) = response.body, !call.request.isHead { try await send(sink) }
            }, request: nil, context: facts.context, on: setup.executor)
    }

    /// Runs `body` on the event loop: at once when called there.
    private func onLoop(_ body: @escaping @Sendable () -> Void) {
        if loop.inEventLoop { body() } else { loop.execute(body) }
    }

    private func wantsBody(of call: HTTPCall, whole: Bool) {
        call.isReadWhole = whole
        guard call.waitsForContinue, call === current else { return }
        switch call.answered {
        case .none, .streaming(_, isHeadSent: false): call.waitsForContinue = false
        case .streaming(_, isHeadSent: true), .done: return
        }
        guard !call.sawBody, !call.bodyEnded, let context else { return }
        let head = HTTPResponseHead(version: .http1_1, status: .continue)
        context.writeAndFlush(wrapOutboundOut(.head(head)), promise: nil)
    }

    // MARK: Ends

    func close() {
        guard !isClosing else { return }
        isClosing = true
        waiting.removeAll()
        timer?.cancel()
        timer = nil
        context?.close(promise: nil)
        // What still comes is read, and dropped.
        if isReadWithheld {
            isReadWithheld = false
            context?.read()
        }
    }

    private func lost() { lost(MartletError(.cancelled, "the client closed the connection")) }

    func lost(_ error: MartletError) {
        timer?.cancel()
        timer = nil
        isClosing = true
        waiting.removeAll()
        current?.heartbeat?.cancel()
        current?.running?.stop(error)
        current = nil
        leave()
    }

    /// The connection of this stream has no call to end any more.
    func leave() { if case .stream(let connection) = transport { connection.forget(self) } }

    // MARK: ServedConnection

    func drain() {
        isDraining = true
        if current == nil, waiting.isEmpty { close() }
    }

    func end(with error: MartletError?) { if let error { _ = cut(error) } }

    func cut(_ error: MartletError) -> Int {
        guard !isClosing, current != nil else {
            context?.close(promise: nil)
            return 0
        }
        fail(error)
        return 1
    }

    // MARK: Time

    /// From its first byte on, a head has as long as the first head has from the connection's begin.
    func watchHead() {
        if let watch, watch.isInHead, current == nil, waiting.isEmpty { alarms.headBegan(now: .now) }
    }

    func setTimer() {
        guard !isClosing, let due = alarms.next else { return }
        if let timerAt, timerAt <= due { return }
        timer?.cancel()
        timerAt = due
        let left = max(.zero, ContinuousClock.now.duration(to: due))
        timer = loop.scheduleTask(in: TimeAmount(left)) { self.timerFired() }
    }

    private func timerFired() {
        timer = nil
        timerAt = nil
        guard !isClosing else { return }
        let now = ContinuousClock.now
        if let deadline = current?.deadline, deadline <= now {
            return fail(MartletError(.deadlineExceeded, "the call's time limit passed before it was done"))
        }
        alarms.rearm(deadlines: CollectionOfOne(current?.deadline).compactMap { $0 })
        let limits = shared.limits
        switch alarms.due(now) {
        case .handshake where isStream: alarms.handshakeDone(now: now)
        case .handshake:
            fail(.http(408, .deadlineExceeded, "no whole request head came within \(limits.handshakeTimeout)"))
        case .frame:
            fail(.http(408, .deadlineExceeded, "the body did not come within \(limits.frameTimeout); send it at once"))
        case .idle:
            shared.notice(.closedIdle)
            close()
        case .stalled, nil: break
        }
        setTimer()
    }

    // MARK: Parser

    /// What the parser refuses; nil for an error of the socket.
    private func failure(of error: any Error) -> MartletError? {
        switch error {
        case HTTPParserError.headerOverflow where watch?.hasLineEnded == false:
            .http(414, .invalidArgument, "the request's path is longer than this server reads")
        case HTTPParserError.headerOverflow:
            .http(
                431, .invalidArgument,
                "the request's head is larger than this server reads (limit httpHeaderListBytesMax)")
        case HTTPParserError.invalidVersion:
            .http(505, .unimplemented, "this port speaks HTTP/1.1, HTTP/1.0 and HTTP/2, lines end in CR LF")
        case HTTPParserError.invalidMethod where watch?.isAtRequestLine == true:
            .http(501, .unimplemented, "this server does not know the request's method; OPTIONS tells those of a path")
        case HTTPParserError.closedConnection, HTTPParserError.invalidEOFState: nil
        case is HTTPParserError: .http(400, .invalidArgument, "the request is not HTTP as RFC 9112 has it")
        default: nil
        }
    }
}
