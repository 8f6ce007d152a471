internal import MartletCore

/// The instants at which something on a connection expires. One timer serves them all: setting and clearing an instant
/// is a store, and the timer is moved only to come earlier.
struct ConnectionAlarms: Sendable {
    typealias Instant = ContinuousClock.Instant

    enum Expired { case handshake, frame, stalled, idle }

    private let handshakeTimeout: Duration
    private let frameTimeout: Duration
    private let idleTimeout: Duration
    private var handshakeBy: Instant?
    private var frameBy: Instant?
    private var stalledBy: Instant?
    private var idleBy: Instant?
    /// At or before the earliest deadline of an open call; it may name a call that is done.
    private var deadlineBy: Instant?

    init(limits: Limits, accepted: Instant) {
        handshakeTimeout = limits.handshakeTimeout
        frameTimeout = limits.frameTimeout
        idleTimeout = limits.idleTimeout
        handshakeBy = accepted.advanced(by: limits.handshakeTimeout)
    }

    var next: Instant? {
        Self.earlier(
            Self.earlier(handshakeBy, frameBy), Self.earlier(Self.earlier(stalledBy, idleBy), deadlineBy))
    }

    private static func earlier(_ one: Instant?, _ other: Instant?) -> Instant? {
        guard let one else { return other }
        guard let other else { return one }
        return min(one, other)
    }

    mutating func handshakeDone(now: Instant) {
        handshakeBy = nil
        idleBy = now.advanced(by: idleTimeout)
    }

    /// The first bytes of a request's head; the clock runs until `handshakeDone`.
    mutating func headBegan(now: Instant) {
        if handshakeBy == nil { handshakeBy = now.advanced(by: handshakeTimeout) }
    }

    mutating func frame(isPartial: Bool, sawFrames: Bool, now: Instant) {
        if !isPartial {
            frameBy = nil
        } else if sawFrames || frameBy == nil {
            frameBy = now.advanced(by: frameTimeout)
        }
    }

    /// The peer does not read since `instant`; nil when it reads again.
    mutating func stalled(since instant: Instant?) { stalledBy = instant?.advanced(by: frameTimeout) }

    mutating func calls(open: Int, now: Instant) { idleBy = open == 0 ? now.advanced(by: idleTimeout) : nil }

    mutating func add(deadline: Instant) { deadlineBy = deadlineBy.map { min($0, deadline) } ?? deadline }

    mutating func rearm(deadlines: some Sequence<Instant>) { deadlineBy = deadlines.min() }

    func deadlinesDue(_ now: Instant) -> Bool { deadlineBy.map { $0 <= now } ?? false }

    func due(_ now: Instant) -> Expired? {
        if let handshakeBy, handshakeBy <= now { return .handshake }
        if let frameBy, frameBy <= now { return .frame }
        if let stalledBy, stalledBy <= now { return .stalled }
        if let idleBy, idleBy <= now { return .idle }
        return nil
    }
}
