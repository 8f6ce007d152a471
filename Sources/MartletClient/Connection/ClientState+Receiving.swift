internal import MartletCore
package import MartletWire

extension ClientState {
    /// A frame from the server.
    package mutating func receive(_ frame: Frame, now: Instant, _ actions: inout [Action]) {
        guard !isClosed else { return }
        if server == nil {
            switch frame {
            case .hello(let hello): return receive(hello, now: now, &actions)
            case .goAway(let goAway): return receive(goAway, &actions)
            default: return close(Self.broken("its first frame was not Hello"), &actions)
            }
        }
        switch frame {
        case .message(let id, let payload): receive(payload, id: id, now: now, &actions)
        case .status(let id, let status):
            guard id <= lastCallID else { return close(Self.broken("it ended a call never opened"), &actions) }
            end(id, status.error, telling: false, &actions)
            openWaiting(now: now, &actions)
        case .credit(let id, let bytes): receiveCredit(bytes, id: id, &actions)
        case .ping(let data): actions.append(.write(.pong(data)))
        case .pong(let data): actions.append(.pong(data))
        case .goAway(let goAway): receive(goAway, &actions)
        case .hello, .open, .halfClose, .cancel:
            close(Self.broken("it sent a frame that only clients send"), &actions)
        }
    }

    private mutating func receive(_ hello: Frame.Hello, now: Instant, _ actions: inout [Action]) {
        guard hello.protocolVersion == 1 else {
            return close(
                MartletError(
                    .unimplemented,
                    "the server speaks protocol \(hello.protocolVersion), this client protocol 1; update the older "
                        + "one"),
                &actions)
        }
        server = hello
        actions.append(.ready)
        openWaiting(now: now, &actions)
    }

    private mutating func receive(_ payload: [UInt8], id: CallID, now: Instant, _ actions: inout [Action]) {
        guard let index = calls.index(forKey: id) else { return }
        guard calls.values[index].isOpen, calls.values[index].inbound.isPositive else {
            let error = MartletError(.internalError, "the server sent a message without credit")
            end(id, error, telling: true, &actions)
            return openWaiting(now: now, &actions)
        }
        calls.values[index].inbound.spend(messageOf: payload.count)
        actions.append(.deliver(id, payload))
    }

    private mutating func receiveCredit(_ bytes: UInt64, id: CallID, _ actions: inout [Action]) {
        guard let index = calls.index(forKey: id) else { return }
        calls.values[index].outbound.grant(bytes)
        if calls.values[index].request != nil {
            if calls.values[index].isOpen { sendRequest(id, &actions) }
        } else if calls.values[index].isWaiting, isWritable, calls.values[index].outbound.isPositive {
            calls.values[index].isWaiting = false
            actions.append(.resume(id))
        }
    }

    /// The server takes no further calls. Those it never looked at may be sent again elsewhere.
    private mutating func receive(_ goAway: Frame.GoAway, _ actions: inout [Action]) {
        guard goAway.code == 0 else {
            return close(
                MartletError(
                    MartletError.Code(value: goAway.code), "the server ended the connection: \(goAway.reason)"),
                &actions)
        }
        let reason = goAway.reason.isEmpty ? "it is shutting down" : goAway.reason
        let error = MartletError(
            .unavailable, "the server takes no further calls: \(reason)", retryAfter: .milliseconds(1))
        over = error
        for id in calls.keys.filter({ $0 > goAway.lastCallID || calls[$0]?.isOpen == false }).sorted() {
            end(id, error, telling: false, &actions)
        }
        closeIfOver(&actions)
    }

    static func broken(_ what: String) -> MartletError {
        MartletError(.internalError, "the server broke the protocol: \(what)")
    }
}
