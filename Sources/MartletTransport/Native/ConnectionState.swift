package import MartletCore
package import MartletWire

/// The server's side of one native connection (Protos/PROTOCOL.md), without any I/O.
///
/// Every event appends what is to be done to `actions`, in order. Time comes in with the events, so tests run in
/// virtual time. The owner performs the actions, and calls `alarm(now:)` when `nextAlarm` has come.
package struct ConnectionState: Sendable {
    package typealias Instant = ContinuousClock.Instant

    package enum Action: Sendable {
        case write(Frame)
        /// Run the call. `request` is the only request of a method that takes one; nil when messages follow by
        /// `deliver`.
        case start(CallID, Method, request: [UInt8]?, CallTimes, CallMetadata)
        /// A message of a running call whose method takes several, to be kept until its handler asks for it.
        case deliver(CallID, [UInt8])
        /// No further `deliver` for this call.
        case endInput(CallID)
        /// A `send` of this call that was answered `.wait` may be tried again.
        case resume(CallID)
        /// The call is over for the peer: cancel its work and fail what waits for it.
        case stop(CallID, MartletError)
        /// Write what waits, then end the stream. Nothing is written afterwards.
        case close
        /// End the stream at once: the peer is gone, or reads nothing.
        case abort
        /// For the log.
        case note(TransportNotice)
    }

    package struct CallTimes: Sendable, Hashable {
        package let arrival: Instant
        package let deadline: Instant?
    }

    enum Phase: Hashable { case awaitingHello, open, draining, closed }

    struct Call {
        let method: Method
        let times: CallTimes
        let metadata: CallMetadata
        /// The request of a method that takes one, from its message to its half-close.
        var request: [UInt8]?
        var inputEnded = false
        /// True from `.start`: a task runs, and reports its end by `taskEnded`.
        var isStarted = false
        /// Cost of the messages that wait for the handler.
        var held = 0
        /// Message bytes the peer may still send.
        var inbound: CreditAccount
        /// Cost of the messages that the handler took and that are not granted back yet.
        var ungranted = 0
        /// Message bytes we may still send.
        var outbound: CreditAccount
        /// A `send` was answered `.wait`.
        var isWaiting = false
    }

    let limits: Limits
    let software: String
    /// The method of a path; nil for one that is not served here.
    let method: @Sendable (String) -> Method?
    var phase = Phase.awaitingHello
    var calls: [CallID: Call] = [:]
    /// Tasks of calls that ended early and have not stopped yet. They count against `callsPerConnectionMax`, so that
    /// cancelling and opening again cannot pile up work.
    var stoppingTasks = 0
    /// The sum of `held` over all calls.
    var heldBytes = 0
    var highestCallID: CallID = 0
    var peer: Frame.Hello?
    var isWritable = true
    var alarms: ConnectionAlarms

    package init(
        limits: Limits, software: String, accepted: Instant, method: @escaping @Sendable (String) -> Method?
    ) {
        self.method = method
        self.limits = limits
        self.software = software
        alarms = ConnectionAlarms(limits: limits, accepted: accepted)
    }

    // MARK: What the owner may ask

    /// Calls that have no status yet.
    package var openCalls: Int { calls.count }
    package var peerAcceptsCompression: Bool { peer?.acceptsCompression ?? false }
    package var isClosed: Bool { phase == .closed }
    /// When `alarm(now:)` is due at the latest; nil when nothing can expire.
    package var nextAlarm: Instant? { phase == .closed ? nil : alarms.next }

    // MARK: Connection

    /// The peer's preface has arrived; ours is written by the owner.
    package mutating func start(_ actions: inout [Action]) {
        let hello = Frame.Hello(
            messageBytesMax: UInt64(limits.messageBytesMax), initialCreditBytes: UInt64(limits.callCreditBytes),
            callsMax: UInt32(clamping: limits.callsPerConnectionMax), acceptsCompression: true, software: software)
        actions.append(.write(.hello(hello)))
    }

    /// A frame, or what came instead of one, breaks the protocol: says so and ends the connection.
    package mutating func fail(_ error: MartletError, _ actions: inout [Action]) {
        guard phase != .closed else { return }
        let lost = MartletError(.unavailable, "the connection ended: \(error.message)")
        endCalls(&actions, with: lost)
        phase = .closed
        actions.append(.note(.protocolError(error)))
        actions.append(
            .write(.goAway(Frame.GoAway(lastCallID: highestCallID, code: error.code.value, reason: error.message))))
        actions.append(.close)
    }

    /// The peer is gone.
    package mutating func peerClosed(_ actions: inout [Action]) {
        guard phase != .closed else { return }
        endCalls(&actions, with: MartletError(.cancelled, "the client closed the connection"))
        phase = .closed
        actions.append(.abort)
    }

    /// The peer does not read, for too long or while too much waits for it.
    package mutating func peerStalled(_ actions: inout [Action]) {
        guard phase != .closed else { return }
        actions.append(.note(.closedStalledReader))
        peerClosed(&actions)
    }

    /// Takes no further calls, and closes when those in flight are done.
    package mutating func drain(because reason: String, _ actions: inout [Action]) {
        switch phase {
        case .closed, .draining: return
        case .awaitingHello, .open:
            phase = .draining
            actions.append(
                .write(.goAway(Frame.GoAway(lastCallID: highestCallID, code: 0, reason: reason))))
            closeIfDrained(&actions)
        }
    }

    /// Ends the calls that a drain could not wait for. A connection that is closing already is closed at once.
    /// - Returns: how many calls they were.
    package mutating func cut(_ error: MartletError, _ actions: inout [Action]) -> Int {
        guard phase != .closed else {
            actions.append(.abort)
            return 0
        }
        let cut = calls.count
        for id in calls.keys.sorted() { end(id, with: error, &actions) }
        phase = .closed
        actions.append(.close)
        return cut
    }

    /// What waits to be written on this connection went above or fell below `Limits.outboundPauseBytes`.
    package mutating func writabilityChanged(to writable: Bool, now: Instant, _ actions: inout [Action]) {
        guard phase != .closed, writable != isWritable else { return }
        isWritable = writable
        alarms.stalled(since: writable ? nil : now)
        guard writable else { return }
        for (id, call) in calls where call.isWaiting && call.outbound.isPositive {
            calls[id]?.isWaiting = false
            actions.append(.resume(id))
        }
    }

    /// After each read: whether the beginning of a frame waits for its rest, and whether frames came meanwhile.
    package mutating func readEnded(partialFrame: Bool, sawFrames: Bool, now: Instant) {
        alarms.frame(isPartial: partialFrame, sawFrames: sawFrames, now: now)
    }

    /// Acts on every limit in time that has passed.
    package mutating func alarm(now: Instant, _ actions: inout [Action]) {
        guard phase != .closed else { return }
        if alarms.deadlinesDue(now) {
            let late = calls.filter { ($0.value.times.deadline.map { $0 <= now }) ?? false }.keys.sorted()
            for id in late {
                end(id, with: .callDeadlinePassed, &actions)
            }
            alarms.rearm(deadlines: calls.values.lazy.compactMap(\.times.deadline))
            if !late.isEmpty { callsChanged(now: now, &actions) }
        }
        switch alarms.due(now) {
        case .none: break
        case .handshake:
            fail(MartletError(.deadlineExceeded, "no Hello came within \(limits.handshakeTimeout)"), &actions)
        case .frame:
            fail(
                MartletError(
                    .deadlineExceeded, "a frame was not complete within \(limits.frameTimeout) of its first byte"),
                &actions)
        case .stalled:
            peerStalled(&actions)
        case .idle:
            actions.append(.note(.closedIdle))
            drain(because: "no call for \(limits.idleTimeout)", &actions)
        }
    }
}
