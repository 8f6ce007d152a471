internal import NIOCore

/// Adds the handlers of one protocol to a connection that speaks it. Each protocol's part stands in its own folder.
///
/// Every part must end in a handler that names itself to `shared.connections.serve(_:by:)`, so that a server that
/// drains reaches it.
struct ConnectionSetup: Sendable {
    let shared: ServerShared
    let executor: LoopExecutor
    /// Calls and routes that change what is served are answered on this connection's listener.
    let mayManage: Bool
    var tlsStage: TLSStage
    let accepted: ContinuousClock.Instant
}

extension ConnectionSetup {
    func native(_ channel: any Channel) throws {
        try channel.pipeline.syncOperations.addHandler(NativeConnection(setup: self))
    }
}
