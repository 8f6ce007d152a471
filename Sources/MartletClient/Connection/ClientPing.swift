internal import MartletCore

/// One ping as its caller sees it.
final class ClientPing: @unchecked Sendable { // safe: every member is touched on the connection's event loop only
    /// What the Pong will say; nil before the ping was sent.
    var data: UInt64?
    var isCancelled = false

    static var cancelled: MartletError { MartletError(.cancelled, "the caller cancelled the ping") }
}
