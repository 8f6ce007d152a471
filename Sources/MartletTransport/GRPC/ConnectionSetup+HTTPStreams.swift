internal import MartletCore
internal import NIOCore
internal import NIOHTTP2

extension ConnectionSetup {
    /// Adds what answers an HTTP/2 stream that is no gRPC call: the routes, behind `HTTP2FramePayloadToHTTP1ServerCodec`.
    /// The header list of the request is read next. Nothing is read by itself: the handlers call `read()`, or turn
    /// `autoRead` on.
    func addHTTPHandlers(to streamChannel: any Channel) throws {
        throw MartletError(.unimplemented, "this port has no HTTP routes")
    }
}
