internal import MartletCore
internal import NIOCore
internal import NIOHTTP1
internal import NIOHTTP2

extension ConnectionSetup {
    /// HTTP/1.1 from its first request on.
    func http1(_ channel: any Channel) throws {
        var limits = NIOHTTPDecoderLimitConfiguration()
        limits.maxHeaderFieldSize = shared.limits.httpHeaderListBytesMax
        limits.maxHeaderListSize = shared.limits.httpHeaderListBytesMax
        limits.maxHeaderFieldCount = HTTPConnection.headerFieldsMax
        let pipeline = channel.pipeline.syncOperations
        try pipeline.addHandler(SocketEdge(setup: self))
        // One read and a head: the parser ends a longer head itself.
        let watch = HTTPInputWatch(unusedBytesMax: 4 * shared.limits.httpHeaderListBytesMax + (64 << 10))
        try pipeline.addHandler(watch)
        try pipeline.addHandler(HTTPResponseEncoder())
        try pipeline.addHandler(
            ByteToMessageHandler(HTTPRequestDecoder(leftOverBytesStrategy: .dropBytes, limitConfiguration: limits)))
        let connection = HTTPConnection(setup: self, over: .socket(watch))
        try pipeline.addHandler(connection)
        if shared.connections.serve(channel, by: connection) { connection.drain() }
    }

    /// Adds what answers an HTTP/2 stream that is no gRPC call: the routes, behind
    /// `HTTP2FramePayloadToHTTP1ServerCodec`. The header list of the request is read next.
    func addHTTPHandlers(to streamChannel: any Channel, of connection: HTTP2Connection) throws {
        let pipeline = streamChannel.pipeline.syncOperations
        try pipeline.addHandler(HTTP2FramePayloadToHTTP1ServerCodec())
        try pipeline.addHandler(HTTPConnection(setup: self, over: .stream(connection)))
        try streamChannel.syncOptions?.setOption(.autoRead, value: true)
    }
}
