internal import MartletCore
package import MartletWire

extension ConnectionState {
    /// A frame from the peer.
    package mutating func receive(_ frame: Frame, now: Instant, _ actions: inout [Action]) {
        guard phase != .closed else { return }
        if peer == nil {
            guard case .hello(let hello) = frame else {
                return fail(MartletError(.invalidArgument, "the first frame must be Hello"), &actions)
            }
            return receive(hello, now: now, &actions)
        }
        switch frame {
        case .open(let id, let open): receive(open, id: id, now: now, &actions)
        case .message(let id, let payload): receive(payload, id: id, now: now, &actions)
        case .halfClose(let id): receiveHalfClose(id, now: now, &actions)
        case .cancel(let id):
            guard isKnown(id, "Cancel", &actions) else { return }
            end(id, with: MartletError(.cancelled, "the client cancelled the call"), &actions)
            callsChanged(now: now, &actions)
        case .credit(let id, let bytes):
            guard isKnown(id, "Credit", &actions), var call = calls[id] else { return }
            call.outbound.grant(bytes)
            if call.isWaiting, isWritable, call.outbound.isPositive {
                call.isWaiting = false
                actions.append(.resume(id))
            }
            calls[id] = call
        case .ping(let data): actions.append(.write(.pong(data)))
        case .pong: break
        case .goAway(let goAway):
            // The client opens no more calls: the connection ends with the last one, with an error code at once.
            if goAway.code == 0 {
                drain(because: "the client opens no more calls", &actions)
            } else {
                peerClosed(&actions)
            }
        case .hello: fail(MartletError(.invalidArgument, "a second Hello came"), &actions)
        case .status: fail(MartletError(.invalidArgument, "Status comes from servers only"), &actions)
        }
    }

    private mutating func receive(_ hello: Frame.Hello, now: Instant, _ actions: inout [Action]) {
        guard hello.protocolVersion == 1 else {
            return fail(
                MartletError(
                    .unimplemented, "Hello asks for protocol \(hello.protocolVersion), this server speaks protocol 1"),
                &actions)
        }
        peer = hello
        alarms.handshakeDone(now: now)
        if phase == .awaitingHello { phase = .open }
        closeIfDrained(&actions)
    }

    private mutating func receive(_ open: Frame.Open, id: CallID, now: Instant, _ actions: inout [Action]) {
        guard id > highestCallID else {
            return fail(
                MartletError(.invalidArgument, "Open of call \(id) after call \(highestCallID): numbers must rise"),
                &actions)
        }
        highestCallID = id
        guard phase == .open else {
            return refuse(id, .shuttingDown, &actions)
        }
        guard let method = method(open.method) else {
            return refuse(id, .unknownMethod, &actions)
        }
        guard calls.count + stoppingTasks < limits.callsPerConnectionMax else {
            return refuse(id, .tooManyCalls(limits.callsPerConnectionMax), &actions)
        }
        let deadline = Self.deadline(microseconds: open.deadlineMicroseconds, from: now)
        var call = Call(
            method: method, times: CallTimes(arrival: now, deadline: deadline), metadata: CallMetadata(open),
            inbound: CreditAccount(UInt64(limits.callCreditBytes)),
            outbound: CreditAccount(peer?.initialCreditBytes ?? 0))
        if let deadline { alarms.add(deadline: deadline) }
        if method.clientStreams {
            call.isStarted = true
            actions.append(.start(id, method, request: nil, call.times, call.metadata))
        }
        calls[id] = call
        alarms.calls(open: calls.count, now: now)
    }

    private mutating func receive(_ payload: [UInt8], id: CallID, now: Instant, _ actions: inout [Action]) {
        guard isKnown(id, "Message", &actions), let index = calls.index(forKey: id) else { return }
        if let broken = brokenRule(by: payload, of: calls.values[index]) {
            end(id, with: broken, &actions)
            return callsChanged(now: now, &actions)
        }
        calls.values[index].inbound.spend(messageOf: payload.count)
        calls.values[index].held += CreditCost.bytes(ofPayload: payload.count)
        heldBytes += CreditCost.bytes(ofPayload: payload.count)
        if calls.values[index].method.clientStreams {
            actions.append(.deliver(id, payload))
        } else {
            calls.values[index].request = payload
        }
    }

    /// Why a message may not come now; nil when it may.
    private func brokenRule(by payload: [UInt8], of call: Call) -> MartletError? {
        if call.inputEnded { return MartletError(.invalidArgument, "a Message came after HalfClose") }
        if !call.inbound.isPositive {
            return MartletError(
                .resourceExhausted, "a Message came without credit: wait for Credit before sending more")
        }
        if payload.count > limits.messageBytesMax {
            return .messageTooLarge(payload.count, limit: limits.messageBytesMax)
        }
        if call.request != nil { return MartletError(.invalidArgument, "this method takes one Message, two came") }
        if heldBytes + payload.count > limits.connectionBytesMax {
            return .tooMuchWaits
        }
        return nil
    }

    private mutating func receiveHalfClose(_ id: CallID, now: Instant, _ actions: inout [Action]) {
        guard isKnown(id, "HalfClose", &actions), let index = calls.index(forKey: id) else { return }
        if calls.values[index].inputEnded {
            end(id, with: MartletError(.invalidArgument, "HalfClose came twice"), &actions)
            return callsChanged(now: now, &actions)
        }
        calls.values[index].inputEnded = true
        if calls.values[index].method.clientStreams { return actions.append(.endInput(id)) }
        guard let request = calls.values[index].request else {
            end(id, with: MartletError(.invalidArgument, "HalfClose came without a Message before it"), &actions)
            return callsChanged(now: now, &actions)
        }
        calls.values[index].request = nil
        letGo(calls.values[index].held, ofCallAt: index)
        calls.values[index].isStarted = true
        let call = calls.values[index]
        actions.append(.start(id, call.method, request: request, call.times, call.metadata))
    }

    /// False for calls that are done, whose frames are ignored; a call never opened ends the connection.
    private mutating func isKnown(_ id: CallID, _ kind: String, _ actions: inout [Action]) -> Bool {
        guard id <= highestCallID else {
            fail(MartletError(.invalidArgument, "\(kind) names call \(id), which was never opened"), &actions)
            return false
        }
        return true
    }

    private mutating func refuse(_ id: CallID, _ error: MartletError, _ actions: inout [Action]) {
        actions.append(.write(.status(id, CallStatus(error))))
    }

    /// Values above 2^53 microseconds (285 years) count as no deadline.
    private static func deadline(microseconds: UInt64, from now: Instant) -> Instant? {
        guard microseconds > 0, microseconds <= 1 << 53 else { return nil }
        return now.advanced(by: .microseconds(Int64(microseconds)))
    }
}

extension CallMetadata {
    /// The token stands where other transports have it, in `authorization`.
    fileprivate init(_ open: Frame.Open) {
        self.init(open.metadata.map { (name: $0.key.lowercased(), value: $0.value) })
        if !open.token.isEmpty { entries.append((name: "authorization", value: Array("Bearer \(open.token)".utf8))) }
    }
}
