internal import MartletCore
internal import NIOCore
internal import NIOHPACK
internal import NIOHTTP2

/// What runs on one stream of an HTTP/2 connection: a gRPC call, or a request for a route.
protocol HTTP2Call: AnyObject {
    /// Ends the call with an error that the peer is told.
    func end(with error: MartletError?)
    /// Nobody is there to be told any more.
    func lost(_ error: MartletError)
}

/// One HTTP/2 connection: its handshake, its streams, and its end. Stands between nio-http2's handler and the one that
/// manages GOAWAY, idle time and keepalive, and sees the frames of both.
final class HTTP2Connection: ChannelDuplexHandler, ServedConnection, NIOHTTP2StreamDelegate,
    @unchecked Sendable // safe: every member is touched on the event loop only
{
    typealias InboundIn = HTTP2Frame
    typealias InboundOut = HTTP2Frame
    typealias OutboundIn = HTTP2Frame
    typealias OutboundOut = HTTP2Frame

    let setup: ConnectionSetup
    private let edge: SocketEdge
    private let management: NIOHTTP2ServerConnectionManagementHandler
    private var context: ChannelHandlerContext?
    private var calls: [ObjectIdentifier: any HTTP2Call] = [:]
    private var openStreams = 0
    /// Tasks of calls, also of those that ended early and have not stopped yet.
    private var runningTasks = 0
    /// Bytes of messages that wait for their handlers, or for their own rest.
    private var heldBytes = 0
    private var handshakeTimer: Scheduled<Void>?
    /// Since GOAWAY: when the peer has shown no sign that it read it, the connection ends with its last stream.
    private var farewellTimer: Scheduled<Void>?
    private var isFarewellOver = false
    private var isClosing = false

    init(setup: ConnectionSetup, edge: SocketEdge, management: NIOHTTP2ServerConnectionManagementHandler) {
        self.setup = setup
        self.edge = edge
        self.management = management
    }

    private var shared: ServerShared { setup.shared }

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        let limit = shared.limits.handshakeTimeout
        let left = ContinuousClock.now.duration(to: setup.accepted.advanced(by: limit))
        // Timers hold this object until they are cancelled: once a weak reference to it exists, every retain costs more.
        handshakeTimer = context.eventLoop.scheduleTask(in: TimeAmount(max(.zero, left))) {
            self.shared.notice(.protocolError(MartletError(.deadlineExceeded, "no SETTINGS came within \(limit)")))
            self.edge.closeLingering()
        }
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        ended()
        self.context = nil
    }

    func channelInactive(context: ChannelHandlerContext) {
        ended()
        context.fireChannelInactive()
    }

    private func ended() {
        handshakeTimer?.cancel()
        farewellTimer?.cancel()
    }

    // MARK: Frames

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        if handshakeTimer != nil, case .settings = unwrapInboundIn(data).payload {
            handshakeTimer?.cancel()
            handshakeTimer = nil
        }
        context.fireChannelRead(data)
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        if farewellTimer == nil, case .goAway = unwrapOutboundIn(data).payload {
            let limit = TimeAmount(shared.limits.handshakeTimeout)
            farewellTimer = context.eventLoop.scheduleTask(in: limit) {
                self.isFarewellOver = true
                self.closeIfLeft()
            }
        }
        context.write(data, promise: promise)
    }

    /// nio-http2 tells of errors of the connection and of single streams alike; the first come after a GOAWAY.
    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        guard edge.saidGoodbye, !isClosing else { return }
        isClosing = true
        shared.notice(
            .protocolError(MartletError(.invalidArgument, "HTTP/2: \(type(of: error))", cause: error)))
        let lost = MartletError(.unavailable, "the connection broke the rules of HTTP/2")
        for call in Array(calls.values) { call.lost(lost) }
        edge.closeLingering()
    }

    // MARK: NIOHTTP2StreamDelegate

    func streamCreated(_ id: HTTP2StreamID, channel: any Channel) {
        openStreams += 1
        management.http2StreamDelegate.streamCreated(id, channel: channel)
    }

    func streamClosed(_ id: HTTP2StreamID, channel: any Channel) {
        openStreams -= 1
        management.http2StreamDelegate.streamClosed(id, channel: channel)
        closeIfLeft()
    }

    private func closeIfLeft() {
        guard isFarewellOver, openStreams == 0, let loop = context?.eventLoop else { return }
        // In the next turn: the last stream's frames are not flushed yet.
        loop.execute { self.edge.closeLingering() }
    }

    // MARK: For streams

    var loop: any EventLoop { setup.executor.loop }

    /// Counts the task of a call.
    /// - Throws: `.resourceExhausted` when work of earlier calls has not stopped yet.
    func admit(_ call: any HTTP2Call) throws(MartletError) {
        let limit = shared.limits.callsPerConnectionMax
        guard runningTasks < limit else { throw .tooManyCalls(limit) }
        runningTasks += 1
        shared.tasks.increment()
        calls[ObjectIdentifier(call)] = call
    }

    func taskEnded() {
        runningTasks -= 1
        shared.tasks.decrement()
    }

    /// The call has its status, or its stream is gone.
    func forget(_ call: any HTTP2Call) { calls[ObjectIdentifier(call)] = nil }

    /// - Throws: `.resourceExhausted` when too much waits on this connection.
    func hold(_ change: Int) throws(MartletError) {
        heldBytes += change
        guard change <= 0 || heldBytes <= shared.limits.connectionBytesMax else { throw .tooMuchWaits }
    }

    func letGo(_ bytes: Int) { heldBytes -= bytes }

    // MARK: ServedConnection

    func drain() { context?.pipeline.fireUserInboundEventTriggered(ChannelShouldQuiesceEvent()) }

    func cut(_ error: MartletError) -> Int {
        guard !isClosing else {
            edge.abort()
            return 0
        }
        isClosing = true
        let open = Array(calls.values)
        for call in open { call.end(with: error) }
        edge.closeLingering()
        return open.count
    }
}
