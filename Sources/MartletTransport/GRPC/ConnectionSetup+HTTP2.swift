internal import MartletCore
internal import NIOCore
internal import NIOHTTP2

extension ConnectionSetup {
    /// HTTP/2 from its preface on: gRPC calls are answered here, other streams by the HTTP routes.
    func http2(_ channel: any Channel) throws {
        let limits = shared.limits
        let edge = SocketEdge(setup: self)
        let management = NIOHTTP2ServerConnectionManagementHandler(
            eventLoop: channel.eventLoop, configuration: Self.management(limits))
        let connection = HTTP2Connection(setup: self, edge: edge, management: management)
        let pipeline = channel.pipeline.syncOperations
        try pipeline.addHandler(edge)
        _ = try pipeline.configureHTTP2Pipeline(
            mode: .server, connectionConfiguration: Self.connection(limits), streamConfiguration: Self.stream(limits),
            streamDelegate: connection
        ) { stream in
            stream.eventLoop.makeCompletedFuture {
                try stream.syncOptions?.setOption(.autoRead, value: false)
                try stream.pipeline.syncOperations.addHandler(GRPCStream(connection: connection))
            }
        }
        try pipeline.addHandlers([connection, management])
        // The channel is active already; its timers begin now.
        management.channelActive(context: try pipeline.context(handler: management))
        if shared.connections.serve(channel, by: connection) { connection.drain() }
    }

    private static func connection(_ limits: Limits) -> NIOHTTP2Handler.ConnectionConfiguration {
        var connection = NIOHTTP2Handler.ConnectionConfiguration()
        connection.initialSettings = [
            HTTP2Setting(parameter: .maxConcurrentStreams, value: limits.callsPerConnectionMax),
            HTTP2Setting(parameter: .maxHeaderListSize, value: limits.httpHeaderListBytesMax),
            HTTP2Setting(parameter: .initialWindowSize, value: limits.callCreditBytes),
        ]
        connection.targetWindowSize = limits.http2WindowBytes
        connection.controlFrameRateLimit.maximumCount = limits.http2ControlFramesMax
        connection.controlFrameRateLimit.windowLength = .seconds(30)
        return connection
    }

    private static func stream(_ limits: Limits) -> NIOHTTP2Handler.StreamConfiguration {
        var stream = NIOHTTP2Handler.StreamConfiguration()
        stream.targetWindowSize = limits.callCreditBytes
        stream.outboundBufferSizeHighWatermark = max(2, limits.outboundPauseBytes)
        stream.outboundBufferSizeLowWatermark = max(1, limits.outboundPauseBytes / 2)
        stream.streamResetFrameRateLimit.maximumCount = limits.http2ResetsMax
        stream.streamResetFrameRateLimit.windowLength = .seconds(30)
        stream.streamErrorRateLimit.maximumCount = limits.http2ResetsMax
        stream.streamErrorRateLimit.windowLength = .seconds(30)
        return stream
    }

    private static func management(
        _ limits: Limits
    ) -> NIOHTTP2ServerConnectionManagementHandler.Configuration {
        NIOHTTP2ServerConnectionManagementHandler.Configuration(
            maxIdleTime: TimeAmount(limits.idleTimeout), maxAge: nil, maxGraceTime: nil,
            keepalive: .init(
                pingInterval: TimeAmount(limits.keepaliveInterval), ackTimeout: TimeAmount(limits.keepaliveTimeout)))
    }
}
