internal import MartletCore
internal import NIOCore

extension ConnectionSetup {
    func tls(_ channel: any Channel) throws {
        throw MartletError(.unimplemented, "this port does not speak TLS")
    }
}
