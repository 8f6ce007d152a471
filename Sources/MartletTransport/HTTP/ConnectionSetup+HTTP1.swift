internal import MartletCore
internal import NIOCore

extension ConnectionSetup {
    func http1(_ channel: any Channel) throws {
        throw MartletError(.unimplemented, "this port does not speak HTTP/1.1")
    }
}
