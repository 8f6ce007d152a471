internal import MartletCore
internal import MartletWire
internal import NIOCore

/// One request and what became of it.
final class HTTPCall: @unchecked Sendable { // safe: every member is touched on the connection's event loop only
    enum Answered {
        case none
        case streaming(HTTPResponse, isHeadSent: Bool)
        case done
    }

    let id: CallID
    var request: HTTPOutput.Request
    var running: RunningCall?
    /// How the route shows errors; the server's own form before there is a route.
    var failure: @Sendable (MartletError) -> HTTPResponse = HTTPFailure.response
    var answered = Answered.none
    var keepsAlive = true
    /// The connection ends with this answer.
    var closes = false
    /// Sent in parts, its length unknown.
    var isStreamed = false
    var bodyEnded = false
    var sawBody = false
    /// Its body is so short that an answer need not end the connection before it came.
    var isSmall = false
    var skippedBytes = 0
    /// The route wants the body as a whole, so that all of it must come within one time limit.
    var isReadWhole = true
    var waitsForContinue = false
    /// Bytes that were delivered and not taken.
    var bodyWaiting = 0
    var deadline: ContinuousClock.Instant?
    var heartbeat: RepeatedTask?
    /// Something was sent since the last heartbeat was due.
    var wasSending = false

    init(id: CallID, request: HTTPOutput.Request) {
        self.id = id
        self.request = request
    }
}
