package import MartletCore
package import MartletWire

extension ConnectionState {
    /// Sends one message of a call, if the peer's credit and what waits on this connection allow it.
    package mutating func send(_ payload: [UInt8], for id: CallID, _ actions: inout [Action]) -> SendOutcome {
        guard let index = calls.index(forKey: id) else {
            return .ended(MartletError(.cancelled, "the call is over"))
        }
        if let most = peer?.messageBytesMax, most > 0, UInt64(payload.count) > most {
            return .ended(
                MartletError(
                    .resourceExhausted,
                    "the answer of \(payload.count) bytes is over the \(most) bytes that the client accepts"))
        }
        guard payload.count <= limits.answerBytesMax else {
            return .ended(.answerTooLarge(payload.count, limit: limits.answerBytesMax))
        }
        guard isWritable, calls.values[index].outbound.isPositive else {
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
        return isWritable && call.outbound.isPositive
    }

    /// The handler took a delivered message of `bytes` bytes: its room is granted back to the peer.
    package mutating func took(messageOf bytes: Int, for id: CallID, _ actions: inout [Action]) {
        guard let index = calls.index(forKey: id) else { return }
        letGo(CreditCost.bytes(ofPayload: bytes), ofCallAt: index)
        guard !calls.values[index].inputEnded else { return }
        calls.values[index].ungranted += CreditCost.bytes(ofPayload: bytes)
        // Saves frames. The peer cannot be stuck meanwhile: all but a quarter of its credit is granted or in our hands.
        guard calls.values[index].ungranted >= limits.callCreditBytes / 4 else { return }
        let grant = UInt64(calls.values[index].ungranted)
        calls.values[index].ungranted = 0
        calls.values[index].inbound.grant(grant)
        actions.append(.write(.credit(id, bytes: grant)))
    }

    /// The call's handler is done. Nothing happens when the call ended before.
    package mutating func finish(_ id: CallID, with error: MartletError?, now: Instant, _ actions: inout [Action]) {
        guard let call = calls.removeValue(forKey: id) else { return }
        heldBytes -= call.held
        // Its task still reports its end, in the same turn.
        stoppingTasks += 1
        actions.append(.write(.status(id, error.map { CallStatus($0) } ?? .ok)))
        callsChanged(now: now, &actions)
    }

    /// The task of a started call has ended, whether or not the call had ended before.
    package mutating func taskEnded() { stoppingTasks -= 1 }

    // MARK: Ends

    /// Ends a call early: tells the peer, stops the work.
    mutating func end(_ id: CallID, with error: MartletError, _ actions: inout [Action]) {
        guard let call = calls.removeValue(forKey: id) else { return }
        heldBytes -= call.held
        if call.isStarted {
            stoppingTasks += 1
            actions.append(.stop(id, error))
        }
        actions.append(.write(.status(id, CallStatus(error))))
    }

    /// Ends every call without telling the peer, which is gone or hears it by GoAway.
    mutating func endCalls(_ actions: inout [Action], with error: MartletError) {
        for (id, call) in calls where call.isStarted {
            stoppingTasks += 1
            actions.append(.stop(id, error))
        }
        calls.removeAll()
        heldBytes = 0
    }

    /// Messages of the call went to its handler.
    mutating func letGo(_ bytes: Int, ofCallAt index: Dictionary<CallID, Call>.Index) {
        calls.values[index].held -= bytes
        heldBytes -= bytes
    }

    mutating func callsChanged(now: Instant, _ actions: inout [Action]) {
        alarms.calls(open: calls.count, now: now)
        closeIfDrained(&actions)
    }

    mutating func closeIfDrained(_ actions: inout [Action]) {
        guard phase == .draining, calls.isEmpty else { return }
        phase = .closed
        actions.append(.close)
    }
}
