internal import MartletCore
internal import NIOCore

extension ConnectionSetup {
    func http2(_ channel: any Channel) throws {
        throw MartletError(.unimplemented, "this port does not speak HTTP/2")
    }
}
