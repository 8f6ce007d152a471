internal import MartletCore
internal import MartletWire

/// What the connections of one server have in common.
final class ServerShared: Sendable {
    let limits: Limits
    let software: String
    let contract: ServerContract
    /// Answers of 1 KiB and more leave compressed when the client accepts it. Off by default: it costs more time than
    /// a local network takes.
    let compressesAnswers: Bool
    /// Nil: no listener speaks TLS.
    let tls: ServerTLS?
    let notice: @Sendable (TransportNotice) -> Void
    let connections: ConnectionRegistry
    /// Tasks of calls, also of those that ended early and have not stopped yet.
    let tasks = Gauge()
    private let arenas = ArenaPool()

    init(
        contract: ServerContract, limits: Limits, software: String, compressesAnswers: Bool,
        tls: ServerTLS?, connections: ConnectionRegistry,
        notice: @escaping @Sendable (TransportNotice) -> Void
    ) {
        self.limits = limits
        self.software = software
        self.contract = contract
        self.compressesAnswers = compressesAnswers
        self.tls = tls
        self.connections = connections
        self.notice = notice
    }

    func tlsStage(on address: ServerAddress) -> TLSStage {
        if tls != nil, case .tcp = address { return .required }
        return .notOffered
    }

    func makeDecoder() -> FrameDecoder {
        let frameBytesMax = limits.messageBytesMax + FrameDecoder.frameOverheadBytesMax
        return FrameDecoder(
            frameBytesMax: frameBytesMax, inflatedBytesMax: frameBytesMax,
            arenaBytesMax: max(limits.decodeArenaBytesMax, 2 * frameBytesMax), arenas: arenas)
    }
}
