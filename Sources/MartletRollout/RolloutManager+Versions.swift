package import MartletCore

/// What operators ask of single versions. A wish goes before the policy, and survives the process.
extension RolloutManager {
    /// Loads one version whatever the policy wants, and keeps it until `unload(version:)`; asks `source` what there is
    /// now. Returns when it is ready; a cancelled task waits no longer, and loading goes on.
    /// - Throws: `.notFound` when the source has no such version, `.resourceExhausted` with the missing bytes,
    ///   `.failedPrecondition` with the reason when it was refused or is in quarantine.
    package func load(
        version id: VersionID, asking source: @Sendable () throws(MartletError) -> [AspiredVersion]
    ) async throws(MartletError) -> ModelStatus {
        try requireRunning()
        let versions = try source()
        guard let aspired = versions.last(where: { $0.id == id }) else {
            aspire(to: versions)
            throw MartletError(
                .notFound, "there is no version \(id.number) of a model of that name in the models folder; publish it "
                    + "first")
        }
        if let entry = state.models[id.model]?.quarantine[id.number], entry.fingerprint == aspired.fingerprint {
            aspire(to: versions)
            throw MartletError(
                .failedPrecondition,
                "version \(id) is in quarantine: \(entry.reason); clear that first (ClearQuarantine), or publish "
                    + "another version")
        }
        let isNew = state.models[id.model]?.wishes[id.number] != true
        try commit { $0.change(id.model) { $0.wishes[id.number] = true } }
        if isNew { emit(id, .wished(isWanted: true)) }
        wakeUp(id.model)
        records[id]?.refusal = nil
        aspire(to: versions)
        return try await ready(id)
    }

    /// Takes one version out of service until `load(version:)`; calls that hold it end first. Where another version of
    /// the model can take its place, it leaves once that one is ready. Asked again it changes nothing.
    /// - Throws: `.notFound` for a version that nobody knows, `.failedPrecondition` while a route or a rollout needs
    ///   it.
    package func unload(version id: VersionID) throws(MartletError) {
        guard records[id] != nil else {
            throw MartletError(.notFound, "there is no such version; `martlet models` lists what is known")
        }
        // Before the route, which a rollout owns: nobody else may point it elsewhere.
        let needing = progress.filter { key, progress in
            key.model == id.model && progress.isRunning && progress.keeps.contains(id.number)
        }
        if let key = needing.keys.min() {
            throw MartletError(
                .failedPrecondition,
                "the rollout of label \(key.label) needs version \(id.number); wait for its end, or end it with "
                    + "`martlet rollout rollback`")
        }
        if let label = routes(of: id.model).filter({ $0.value.versions.contains(id.number) }).keys.min() {
            throw MartletError(
                .failedPrecondition,
                "label \(label) leads to version \(id.number); point it at another version first, with `martlet models "
                    + "label`")
        }
        guard state.models[id.model]?.wishes[id.number] != false else { return }
        try commit { $0.change(id.model) { $0.wishes[id.number] = false } }
        emit(id, .wished(isWanted: false))
        for (key, progress) in progress where key.model == id.model && progress.keeps.contains(id.number) {
            letGoOfOld(key)
        }
        abandonLoad(id)
        advance()
    }

    /// Waits until `id`, which something keeps, answers.
    /// - Throws: as `load(version:asking:)`.
    func ready(_ id: VersionID) async throws(MartletError) -> ModelStatus {
        advance()
        try await reach(.decided(id))
        guard let record = records[id], record.isAspired else {
            throw MartletError(.failedPrecondition, "version \(id) was taken away while it was loaded")
        }
        if let refusal = record.refusal {
            throw MartletError(.resourceExhausted, "version \(id) was not loaded: \(refusal)")
        }
        if let status = statuses(named: id.model).first(where: { $0.version == id.number }) {
            if case .ready = record.phase, status.state == .ready { return status }
            let why = status.reason.isEmpty ? "" : ": \(status.reason)"
            throw MartletError(.failedPrecondition, "version \(id) is \(status.state.rawValue)\(why)")
        }
        throw MartletError(.unavailable, "the server is shutting down")
    }
}
