package import MartletCore

/// Guarded rollouts: what operators ask of them, and what they do by themselves.
extension RolloutManager {
    /// Begins a rollout. Asked again with the same spec while it goes on, it changes nothing.
    /// - Throws: `.failedPrecondition` with what `plan` calls problems; the store's error when it could not be saved.
    package func start(_ spec: RolloutSpec) async throws(MartletError) -> RolloutStatus {
        let key = RouteKey(model: spec.model, label: spec.label)
        if let running = running(spec) { return running.status(now: time.now) }
        let plan = try await plan(spec)
        // Asked again: the world went on meanwhile.
        if let running = running(spec) { return running.status(now: time.now) }
        let basis = basis(of: spec)
        let problems = basis.problems.isEmpty ? plan.problems : basis.problems
        guard problems.isEmpty else {
            throw MartletError(.failedPrecondition, problems.prefix(4).joined(separator: "; "))
        }
        let begun = RolloutProgress(spec, from: basis.from, routeBefore: basis.current)
        // Old calls are no evidence.
        for number in begun.keeps { _ = figures(of: VersionID(model: spec.model, number: number)) }
        try commit { apply(begun, [begun.firstAction], key, to: &$0) }
        settle(key, begun, [begun.firstAction], before: nil)
        nextTick = time.now + .seconds(1)
        advance()
        return (progress[key] ?? begun).status(now: time.now)
    }

    /// Rollouts that go on, and the last one of each route; sorted by model, then label.
    package nonisolated func rollouts(named name: String? = nil) -> [RolloutStatus] {
        publishedRollouts.withLock { $0 }.list(named: name)
    }

    /// `rollouts(named:)` now and after each change, at most once a second while figures alone change. Ends as
    /// `watch(named:)` does.
    package nonisolated func watchRollouts(named name: String? = nil) -> AsyncStream<[RolloutStatus]> {
        rolloutWatchers.add(named: name) { publishedRollouts.withLock { $0 } }
    }

    /// Takes the next step at once, whatever is left of the bake time.
    /// - Throws: `.notFound` for a route without a rollout, `.failedPrecondition` when there is no next step.
    package func promote(label: String, of model: String) throws(MartletError) -> RolloutStatus {
        try requireRunning()
        let (key, current) = try rollout(label: label, of: model)
        switch current.state {
        case .loading, .shadowing(since: nil), .baking(_, since: nil):
            throw MartletError(
                .failedPrecondition,
                "version \(current.spec.version) is on its way into memory; it takes its first step once it is ready")
        case .completed, .rolledBack, .failed:
            throw MartletError(
                .failedPrecondition,
                "the rollout of version \(current.spec.version) is over: \(current.inWords); start another one")
        case .shadowing, .baking: break
        }
        try drive(key, .promoted)
        advance()
        return (progress[key] ?? current).status(now: time.now)
    }

    /// Gives a route's calls back to the version that had them before its last rollout. That one is loaded first when
    /// it has left memory; otherwise it takes one store. Asked again it changes nothing.
    /// - Throws: `.notFound` for a route without a rollout, `.failedPrecondition` when there is nothing to go back to.
    package func rollback(
        label: String, of model: String, reason: String
    ) async throws(MartletError) -> RolloutStatus {
        try requireRunning()
        let (key, current) = try rollout(label: label, of: model)
        if case .rolledBack = current.state { return current.status(now: time.now) }
        try requireReturnable(current, key)
        let old = VersionID(model: model, number: current.from)
        if presence(of: old) != .ready { try await bringBack(old) }
        // The world may have gone on while it was loaded.
        guard let now = progress[key], now.spec == current.spec else {
            throw MartletError(.aborted, "another rollout of the route began meanwhile; look at it first")
        }
        if case .rolledBack = now.state { return now.status(now: time.now) }
        try requireReturnable(now, key)
        try drive(key, .takenBack(reason: reason.isEmpty ? "by request" : "by request: \(reason)"))
        advance()
        return (progress[key] ?? now).status(now: time.now)
    }

    private func bringBack(_ old: VersionID) async throws(MartletError) {
        holds[old, default: 0] += 1
        defer {
            holds[old, default: 0] -= 1
            if holds[old] == 0 { holds[old] = nil }
        }
        wakeUp(old.model)
        records[old]?.refusal = nil
        do throws(MartletError) {
            _ = try await ready(old)
        } catch where error.code != .cancelled {
            throw MartletError(
                error.code,
                "the route stays as it is, because the version it would go back to cannot be loaded: \(error.message)",
                cause: error.cause)
        }
    }

    private func requireReturnable(_ rollout: RolloutProgress, _ key: RouteKey) throws(MartletError) {
        switch rollout.state {
        case .failed(let reason):
            throw MartletError(
                .failedPrecondition,
                "the rollout of version \(rollout.spec.version) failed (\(reason)); there is nothing to take back")
        case .completed where routes(of: key.model)[key.label] != ModelRoute(to: rollout.spec.version):
            throw MartletError(
                .failedPrecondition,
                "the route \(key.label) was changed since the rollout of version \(rollout.spec.version); point it "
                    + "where it should lead with `martlet models label`")
        case .loading, .shadowing, .baking, .completed, .rolledBack: break
        }
    }

    private func rollout(
        label: String, of model: String
    ) throws(MartletError) -> (key: RouteKey, progress: RolloutProgress) {
        let key = RouteKey(model: model, label: label)
        guard let progress = progress[key] else {
            throw MartletError(.notFound, "that route has had no rollout; `martlet rollout watch` lists them all")
        }
        return (key, progress)
    }

    /// The rollout of `spec` itself while it goes on.
    private func running(_ spec: RolloutSpec) -> RolloutProgress? {
        progress[RouteKey(model: spec.model, label: spec.label)].flatMap { $0.isRunning && $0.spec == spec ? $0 : nil }
    }
}
