package import MartletCore

/// What operators ask by a model's name.
extension RolloutManager {
    /// Takes every version of `model` out of service until `load(model:asking:)`, whatever the source wants. Calls that
    /// hold one end first; a rollout that goes on is given up. Asked again it changes nothing.
    /// - Throws: `.notFound` for a model that nobody knows; the store's error when this could not be saved.
    package func unload(model: String) throws(MartletError) {
        try requireKnown(model)
        guard !isStopped(model) else { return }
        try commit { state in
            state.change(model) { known in
                known.isStopped = true
                known.wishes = known.wishes.filter { !$0.value }
            }
        }
        asleep.remove(model)
        for id in records.keys.sorted() where id.model == model { abandonLoad(id) }
        advance()
    }

    /// Serves `model` again after `unload(model:)`, asks `source` what there is now, and tries versions that failed
    /// once more. Returns when nothing is left to do; a cancelled task waits no longer, and loading goes on.
    /// - Returns: every version of the model.
    /// - Throws: `.notFound` when the source has no version of it, `.resourceExhausted` when there is no memory for it,
    ///   `.failedPrecondition` with the reason when none is ready in the end.
    package func load(
        model: String, asking source: @Sendable () throws(MartletError) -> [AspiredVersion]
    ) async throws(MartletError) -> [ModelStatus] {
        try requireRunning()
        let versions = try source()
        let isThere = versions.contains { $0.id.model == model }
        if isThere {
            try commit { state in
                state.change(model) { known in
                    known.isStopped = false
                    // What was rolled back stays out: nobody asked for that version.
                    known.quarantine = known.quarantine.filter { $0.value.isRolledBack }
                }
            }
            wakeUp(model)
            for (id, record) in records.sorted(by: { $0.key < $1.key }) where id.model == model {
                records[id]?.refusal = nil
                if case .failed = record.phase, quarantine(of: id) == nil { discover(id) }
            }
        }
        aspire(to: versions)
        guard isThere else {
            throw MartletError(
                .notFound, "there is no version of a model of that name in the models folder; publish one first")
        }
        do throws(MartletError) {
            try await reach(.settled)
        } catch {
            throw MartletError(.cancelled, "the call was cancelled; the model goes on loading")
        }
        let statuses = statuses(named: model)
        guard !statuses.contains(where: { $0.state == .ready }) else { return statuses }
        throw nothingReady(model, statuses)
    }

    func requireKnown(_ model: String) throws(MartletError) {
        guard records.keys.contains(where: { $0.model == model }) else {
            throw MartletError(
                .notFound, "there is no model of that name; `martlet models` lists what is known")
        }
    }

    func requireRunning() throws(MartletError) {
        guard !isShuttingDown else { throw MartletError(.unavailable, "the server is shutting down") }
    }

    private func nothingReady(_ model: String, _ statuses: [ModelStatus]) -> MartletError {
        // The newest version that says why says most.
        let telling = statuses.last { !$0.reason.isEmpty } ?? statuses.last
        guard let telling else {
            return MartletError(.failedPrecondition, "no version of model \(model) is there any more")
        }
        let why = telling.reason.isEmpty ? "" : ": \(telling.reason)"
        let isRefused = records[VersionID(model: model, number: telling.version)]?.refusal != nil
        return MartletError(
            isRefused ? .resourceExhausted : .failedPrecondition,
            "no version of model \(model) is ready; version \(telling.version) is \(telling.state.rawValue)\(why)")
    }
}
