internal import MartletCore

/// The budget that all versions in memory share.
extension RolloutManager {
    /// Bytes of the budget that versions have, or are promised.
    var memoryUsed: Int { records.values.reduce(0) { $0 &+ $1.memoryBytes } }

    /// Bytes that are left; nil without a budget.
    var memoryLeft: Int? { configuration.memoryBytesMax.map { max(0, $0 - memoryUsed) } }

    /// Promises a version that is being loaded its bytes; idle models leave memory for it, the longest unused first.
    /// - Throws: `.resourceExhausted` with the missing bytes.
    func reserveMemory(for version: AspiredVersion) async throws(MartletError) {
        guard configuration.memoryBytesMax != nil else { return }
        let needed = max(0, try await loader.memoryNeeded(version))
        guard case .loading(var load)? = records[version.id]?.phase, !load.isAbandoned else { return }
        try makeRoom(for: version.id, bytes: needed)
        load.reservedBytes = needed
        records[version.id]?.phase = .loading(load)
        // Others may have left for it.
        advance()
    }

    private func makeRoom(for id: VersionID, bytes needed: Int) throws(MartletError) {
        guard let budget = configuration.memoryBytesMax, let left = memoryLeft, needed > left else { return }
        let idle = modelsThatMayGo(except: id.model)
        // All or nothing: what would not be enough is not taken from anybody.
        guard idle.reduce(left, { $0 &+ $1.bytes }) >= needed else {
            throw MartletError(.resourceExhausted, Self.refusal(needed: needed, left: left, budget: budget))
        }
        for model in idle where needed > memoryLeft ?? needed { putToSleep(model.name) }
        guard needed <= memoryLeft ?? needed else {
            throw MartletError(
                .resourceExhausted, Self.refusal(needed: needed, left: memoryLeft ?? 0, budget: budget))
        }
    }

    static func refusal(needed: Int, left: Int, budget: Int) -> String {
        "it needs \(needed) bytes, and of the memory budget of \(budget) bytes (modelMemoryBytesMax) \(left) are left: "
            + "\(needed - left) are missing; unload a version, or raise the budget"
    }

    /// Models that the next call can bring back, and nobody uses now; the longest unused first.
    /// - Returns: each with the bytes that its leaving gives back.
    func modelsThatMayGo(except model: String) -> [(name: String, bytes: Int)] {
        let names = Set(records.keys.map(\.model)).subtracting([model])
        let idle = names.compactMap { name -> (name: String, since: Duration, bytes: Int)? in
            guard mayBecomeIdle(name), let since = unusedSince(name) else { return nil }
            let bytes = records.filter { $0.key.model == name }.values.reduce(0) { $0 &+ $1.memoryBytes }
            return (name, since, bytes)
        }
        return idle.sorted { ($0.since, $0.name) < ($1.since, $1.name) }.map { ($0.name, $0.bytes) }
    }

    /// Versions that there was no memory for are tried again.
    func memoryReturned() {
        for id in records.keys { records[id]?.refusal = nil }
    }
}
