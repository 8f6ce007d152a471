package import MartletCore
package import MartletWire

/// The client's side of one native connection (Protos/PROTOCOL.md), without any I/O: events in, actions out.
package struct ClientState: Sendable {
    package typealias Instant = ContinuousClock.Instant

    package enum Action: Sendable {
        case write(Frame)
        /// The server's Hello has come: calls may start.
        case ready
        case deliver(CallID, [UInt8])
        /// A `send` that was answered `.wait` may be tried again.
        case resume(CallID)
        /// The call is over; nil is success.
        case end(CallID, MartletError?)
        case pong(UInt64)
        /// Close the connection. The error is for those who wait for the handshake and for later calls.
        case close(MartletError)
    }

    package enum SendOutcome: Sendable { case sent, wait, ended }

    struct Call {
        let method: Method
        let deadline: Instant?
        let metadata: [Frame.Metadata]
        var isOpen = false
        /// A unary call's request until credit lets it go.
        var request: [UInt8]?
        /// What we may still send.
        var outbound = CreditAccount(0)
        /// What the server may still send.
        var inbound: CreditAccount
        var ungranted = 0
        var isWaiting = false
    }

    let options: ClientOptions
    var server: Frame.Hello?
    var calls: [CallID: Call] = [:]
    /// Calls that wait until the server takes more at once, oldest first.
    var line: [CallID] = []
    var openCalls = 0
    var lastCallID: CallID = 0
    var isWritable = true
    /// Set from GoAway or close: why no further call can start.
    var over: MartletError?
    var isClosed = false
    /// At or before the earliest deadline.
    package private(set) var nextAlarm: Instant?

    package init(options: ClientOptions) { self.options = options }

    package mutating func start(_ actions: inout [Action]) {
        let hello = Frame.Hello(
            messageBytesMax: UInt64(max(0, options.messageBytesMax)),
            initialCreditBytes: UInt64(max(1, options.creditBytes)), callsMax: 0,
            acceptsCompression: options.compression, software: options.software)
        actions.append(.write(.hello(hello)))
    }

    // MARK: Calls

    /// Takes a call in; it is opened at once unless the server has its fill of open calls.
    /// - Parameter request: a unary call's only message; nil when messages follow by `send`.
    /// - Returns: the call's number; `.end` may follow in the same actions.
    package mutating func call(
        _ method: Method, request: [UInt8]?, deadline: Instant?, metadata: [Frame.Metadata] = [], now: Instant,
        _ actions: inout [Action]
    ) -> CallID {
        lastCallID += 1
        let id = lastCallID
        if let over {
            actions.append(.end(id, over))
            return id
        }
        if let request, let tooLarge = refusal(ofMessage: request) {
            actions.append(.end(id, tooLarge))
            return id
        }
        calls[id] = Call(
            method: method, deadline: deadline, metadata: metadata, request: request,
            inbound: CreditAccount(UInt64(max(1, options.creditBytes))))
        if let deadline { nextAlarm = nextAlarm.map { min($0, deadline) } ?? deadline }
        line.append(id)
        openWaiting(now: now, &actions)
        return id
    }

    package mutating func send(_ payload: [UInt8], for id: CallID, _ actions: inout [Action]) -> SendOutcome {
        guard let index = calls.index(forKey: id) else { return .ended }
        if let tooLarge = refusal(ofMessage: payload) {
            end(id, tooLarge, telling: true, &actions)
            return .ended
        }
        guard calls.values[index].isOpen, calls.values[index].outbound.isPositive, isWritable else {
            calls.values[index].isWaiting = true
            return .wait
        }
        calls.values[index].outbound.spend(messageOf: payload.count)
        actions.append(.write(.message(id, payload)))
        return .sent
    }

    /// True when `send` would not answer `.wait`.
    package func maySend(_ id: CallID) -> Bool {
        guard let call = calls[id] else { return true }
        return call.isOpen && call.outbound.isPositive && isWritable
    }

    package mutating func halfClose(_ id: CallID, _ actions: inout [Action]) {
        if calls[id]?.isOpen == true { actions.append(.write(.halfClose(id))) }
    }

    /// The reader took a message: its room is granted back.
    package mutating func took(messageOf bytes: Int, for id: CallID, _ actions: inout [Action]) {
        guard let index = calls.index(forKey: id) else { return }
        calls.values[index].ungranted += CreditCost.bytes(ofPayload: bytes)
        guard calls.values[index].ungranted >= options.creditBytes / 4 else { return }
        let grant = UInt64(calls.values[index].ungranted)
        calls.values[index].ungranted = 0
        calls.values[index].inbound.grant(grant)
        actions.append(.write(.credit(id, bytes: grant)))
    }

    /// The caller no longer wants the answer.
    package mutating func cancel(_ id: CallID, with error: MartletError, now: Instant, _ actions: inout [Action]) {
        end(id, error, telling: true, &actions)
        openWaiting(now: now, &actions)
    }

    // MARK: Time and the connection

    package mutating func alarm(now: Instant, _ actions: inout [Action]) {
        let late = calls.filter { ($0.value.deadline.map { $0 <= now }) ?? false }.keys.sorted()
        for id in late {
            end(id, MartletError(.deadlineExceeded, "no answer came within the call's time"), telling: true, &actions)
        }
        nextAlarm = calls.values.lazy.compactMap(\.deadline).min()
        openWaiting(now: now, &actions)
    }

    package mutating func writabilityChanged(to writable: Bool, _ actions: inout [Action]) {
        isWritable = writable
        guard writable else { return }
        for (id, call) in calls where call.isWaiting && call.isOpen && call.outbound.isPositive {
            calls[id]?.isWaiting = false
            actions.append(.resume(id))
        }
    }

    /// The connection is gone, or is to be closed because of `error`; every call ends.
    package mutating func close(_ error: MartletError, _ actions: inout [Action]) {
        guard !isClosed else { return }
        isClosed = true
        let reason = over ?? error
        over = reason
        for id in calls.keys.sorted() {
            actions.append(.end(id, Self.lost(reason)))
        }
        calls = [:]
        line = []
        actions.append(.close(reason))
    }

    // MARK: Parts

    /// What calls in flight are told when the connection ends: a cancelled client says so, anything else may be
    /// retried.
    static func lost(_ reason: MartletError) -> MartletError {
        reason.code == .cancelled || reason.code == .unavailable
            ? reason : MartletError(.unavailable, "the connection was lost: \(reason.message)", cause: reason)
    }

    mutating func openWaiting(now: Instant, _ actions: inout [Action]) {
        guard let server, over == nil else { return }
        var opened = 0
        for id in line {
            guard openCalls < server.callsMax else { break }
            opened += 1
            guard let index = calls.index(forKey: id) else { continue }
            openCalls += 1
            calls.values[index].isOpen = true
            calls.values[index].outbound = CreditAccount(server.initialCreditBytes)
            let call = calls.values[index]
            let open = Frame.Open(
                method: call.method.path, deadlineMicroseconds: Self.microseconds(from: now, to: call.deadline),
                metadata: call.metadata)
            actions.append(.write(.open(id, open)))
            if call.request != nil {
                sendRequest(id, &actions)
            } else if call.isWaiting, call.outbound.isPositive, isWritable {
                calls.values[index].isWaiting = false
                actions.append(.resume(id))
            }
        }
        line.removeFirst(opened)
    }

    /// A unary request goes whole, as soon as there is any credit.
    mutating func sendRequest(_ id: CallID, _ actions: inout [Action]) {
        guard let index = calls.index(forKey: id), calls.values[index].outbound.isPositive,
            let request = calls.values[index].request
        else { return }
        calls.values[index].request = nil
        calls.values[index].outbound.spend(messageOf: request.count)
        actions.append(.write(.message(id, request)))
        actions.append(.write(.halfClose(id)))
    }

    mutating func end(_ id: CallID, _ error: MartletError?, telling: Bool, _ actions: inout [Action]) {
        guard let call = calls.removeValue(forKey: id) else { return }
        if call.isOpen {
            openCalls -= 1
            if telling { actions.append(.write(.cancel(id))) }
        } else {
            line.removeAll { $0 == id }
        }
        actions.append(.end(id, error))
        closeIfOver(&actions)
    }

    mutating func closeIfOver(_ actions: inout [Action]) {
        if let over, calls.isEmpty { close(over, &actions) }
    }

    private func refusal(ofMessage payload: [UInt8]) -> MartletError? {
        guard let most = server?.messageBytesMax, most > 0, UInt64(payload.count) > most else { return nil }
        return MartletError(
            .resourceExhausted,
            "the request of \(payload.count) bytes is over the server's limit of \(most) bytes; send less at once")
    }

    /// At least 1 for a deadline that has passed, because 0 means none.
    private static func microseconds(from now: Instant, to deadline: Instant?) -> UInt64 {
        guard let deadline else { return 0 }
        let (seconds, attoseconds) = now.duration(to: deadline).components
        guard seconds < 1 << 32 else { return 0 }
        return UInt64(clamping: max(1, seconds * 1_000_000 + attoseconds / 1_000_000_000_000))
    }
}

extension ClientState {
    package var isReady: Bool { server != nil }
    package var serverAcceptsCompression: Bool { server?.acceptsCompression ?? false }
    /// Why no further call can start; nil while one can.
    package var whyOver: MartletError? { over }
}
