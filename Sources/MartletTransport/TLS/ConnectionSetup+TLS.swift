internal import MartletCore
internal import NIOCore
internal import NIOSSL

/// What a connection's first bytes may be as far as TLS goes.
enum TLSStage: Hashable {
    /// TLS is not spoken here.
    case notOffered
    /// Only TLS is.
    case required
    /// These are the clear bytes inside it.
    case established
}

extension ConnectionSetup {
    /// A TLS handshake; then the detector looks at the clear bytes. ALPN names what is spoken, and decides nothing.
    func tls(_ channel: any Channel) throws {
        guard tlsStage == .required, let tls = shared.tls else {
            throw MartletError(
                .unimplemented,
                tlsStage == .established ? "TLS inside TLS is not spoken here" : "this port does not speak TLS")
        }
        var inside = self
        inside.tlsStage = .established
        let pipeline = channel.pipeline.syncOperations
        try pipeline.addHandler(NIOSSLServerHandler(context: tls.context))
        try pipeline.addHandler(FirstBytesDetector(setup: inside))
    }
}
