package import MartletCore

/// Models that leave memory because nobody calls them, and come back with the next call.
extension RolloutManager {
    /// As `lease(_:for:)`, and brings an idle model back into memory first. Calls that ask at once share one load.
    /// - Throws: also `.deadlineExceeded` and `.cancelled` while it waits, `.resourceExhausted` when there is no memory
    ///   for the model.
    package nonisolated func leaseWaking(
        _ reference: ModelReference, for metadata: CallMetadata = CallMetadata(), deadline: Deadline = .none
    ) async throws(MartletError) -> RoutedLease<Loaded> {
        do throws(MartletError) {
            return try lease(reference, for: metadata)
        } catch {
            guard error.code == .unavailable, routes().isIdle(reference.name) else { throw error }
        }
        return try await wake(reference, for: metadata, deadline: deadline)
    }

    private func wake(
        _ reference: ModelReference, for metadata: CallMetadata, deadline: Deadline
    ) async throws(MartletError) -> RoutedLease<Loaded> {
        let model = reference.name
        wakeUp(model)
        // While calls wait it is not put to sleep again for another model.
        wakers[model, default: 0] += 1
        defer {
            wakers[model, default: 0] -= 1
            if wakers[model] == 0 { wakers[model] = nil }
        }
        advance()
        try await reach(.awake(model), before: deadline)
        do throws(MartletError) {
            return try lease(reference, for: metadata)
        } catch {
            let refused = records.filter { $0.key.model == model && $0.value.refusal != nil }
            guard let reason = refused.max(by: { $0.key < $1.key })?.value.refusal else { throw error }
            // The next call tries again; nobody else would.
            for id in refused.keys { records[id]?.refusal = nil }
            if !records.contains(where: { $0.key.model == model && $0.value.isInMemory }) { asleep.insert(model) }
            advance()
            throw MartletError(
                .resourceExhausted, "model \(model) was idle and cannot be loaded again: \(reason)",
                retryAfter: .seconds(1))
        }
    }

    func wakeUp(_ model: String) {
        guard asleep.remove(model) != nil else { return }
        waking.insert(model)
        emit(model: model, .waking)
    }

    /// Takes every version of `model` out of memory. Nobody holds one.
    func putToSleep(_ model: String) {
        asleep.insert(model)
        emit(model: model, .idle)
        for id in records.keys.sorted() where id.model == model {
            abandonLoad(id)
            beginDraining(id)
        }
    }

    /// True for a model that its owner lets go when nobody calls it, and that nothing needs in memory.
    func mayBecomeIdle(_ model: String) -> Bool {
        let policy = configuration.policy(of: model)
        guard policy.idleUnload != nil, !policy.isPinned, !asleep.contains(model), !waking.contains(model),
            wakers[model] == nil, !holds.keys.contains(where: { $0.model == model }),
            !progress.contains(where: { $0.key.model == model && $0.value.isRunning })
        else { return false }
        // What is on its way was asked for.
        return records.contains { $0.key.model == model && $0.value.isInMemory }
            && !loads.keys.contains { $0.model == model }
    }

    /// When the last call of `model` ended; nil while calls hold one of its versions, or none is in memory.
    func unusedSince(_ model: String) -> Duration? {
        var last: Duration?
        for record in records.values where record.aspired.id.model == model {
            guard let residence = record.residence else { continue }
            guard let since = residence.unusedSince else { return nil }
            last = max(last ?? since, since)
        }
        return last
    }

    /// Lets go what nobody called for long enough, and says when each of the others is looked at next.
    /// - Returns: true when a model left.
    func lookAtIdleModels() -> Bool {
        let (now, before) = (time.now, asleep)
        for model in Set(records.keys.map(\.model)).sorted() {
            guard mayBecomeIdle(model), let limit = configuration.policy(of: model).idleUnload else {
                idleLooks[model] = nil
                continue
            }
            let look = idleLooks[model] ?? now + limit
            idleLooks[model] = look
            guard look <= now else { continue }
            // A call that goes on may end the next moment: it is idle no sooner than after the whole time.
            let due = unusedSince(model).map { $0 + limit } ?? now + limit
            if due <= now {
                idleLooks[model] = nil
                putToSleep(model)
            } else {
                idleLooks[model] = due
            }
        }
        idleLooks = idleLooks.filter { name, _ in records.keys.contains { $0.model == name } }
        return asleep != before
    }
}
