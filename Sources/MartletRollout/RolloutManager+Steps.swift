package import MartletCore

/// What sources ask, and the steps that follow from it.
extension RolloutManager {
    /// The versions that should be served from now on, of all models. One left out is to be unloaded.
    package func aspire(to versions: [AspiredVersion]) {
        guard !isShuttingDown else { return }
        hasAspired = true
        let wanted = Dictionary(versions.map { ($0.id, $0) }, uniquingKeysWith: { $1 })
        for id in records.keys.sorted() where wanted[id] == nil { withdraw(id) }
        forgetQuarantine(ofAllBut: Set(wanted.keys))
        for version in wanted.values.sorted(by: { $0.id < $1.id }) { aspire(to: version) }
        asleep = asleep.filter { name in wanted.keys.contains { $0.model == name } }
        advance()
    }

    /// Asks `source` which versions it wants now and aspires to them, as one step: of two callers, the one that looked
    /// first can never undo what the other found.
    /// - Parameter source: runs on the actor; may read a folder. Calls do not wait for it.
    package func aspire(asking source: @Sendable () throws(MartletError) -> [AspiredVersion]) throws(MartletError) {
        aspire(to: try source())
    }

    /// Goes by another configuration from now on. Labels that an operator set stay.
    package func configure(_ configuration: RolloutConfiguration) {
        guard !isShuttingDown, configuration != self.configuration else { return }
        if configuration.memoryBytesMax != self.configuration.memoryBytesMax { memoryReturned() }
        policy = VersionPolicy(configuration)
        advance()
    }

    /// Takes every step that is possible now, then tells who waits.
    func advance() {
        if !isShuttingDown {
            // Each may make steps possible; neither does for ever: rollouts end, and who sleeps stays asleep.
            var goesOn = true
            while goesOn {
                // Before the steps: a rollout gives its calls back before its version leaves.
                goesOn = lookAtRollouts()
                takeSteps()
                goesOn = lookAtRollouts() || goesOn
                goesOn = lookAtIdleModels() || goesOn
            }
            hastenLoads()
            waking = waking.filter { !has(reached: .awake($0)) }
            saveAgain()
            setAlarm()
        }
        publish()
        tellWaiters()
    }

    private func takeSteps() {
        while let step = policy.nextStep(for: snapshots()) {
            if case .load(let id) = step, records[id]?.mayReturn == true {
                guard endDrainingEarly(id) else { return }
            } else if case .load(let id) = step, records[id]?.mayLoad == true {
                guard loads.count < loadsAtOnceMax else { return }
                beginLoading(id)
            } else if case .unload(let id) = step, let record = records[id], case .ready = record.phase {
                beginDraining(id)
            } else {
                emit(step.id, .stepIgnored(step))
                return
            }
        }
    }

    /// Of all models, or of one.
    func snapshots(of model: String? = nil) -> [VersionSnapshot] {
        var kept: [String: Set<Int>] = [:]
        for (id, _) in records where kept[id.model] == nil && (model == nil || id.model == model) {
            kept[id.model] = self.kept(of: id.model)
        }
        return records.filter { model == nil || $0.key.model == model }.sorted { $0.key < $1.key }.map { id, record in
            let wish = state.models[id.model]?.wishes[id.number]
            let isOut = asleep.contains(id.model) || (isStopped(id.model) && wish != true)
            return VersionSnapshot(
                id, record.state, isAspired: record.isAspired && !isOut,
                isKept: kept[id.model]?.contains(id.number) ?? false,
                isRefused: record.refusal != nil || quarantine(of: id) != nil, mustLeave: wish == false,
                mayReturn: record.mayReturn)
        }
    }

    /// Versions that something leads to.
    private func kept(of model: String) -> Set<Int> {
        var kept = Set(holds.keys.filter { $0.model == model }.map(\.number))
        for route in routes(of: model).values { kept.formUnion(route.versions) }
        for (number, isWanted) in state.models[model]?.wishes ?? [:] where isWanted { kept.insert(number) }
        for (key, progress) in progress where key.model == model { kept.formUnion(progress.keeps) }
        return kept
    }

    func isStopped(_ model: String) -> Bool { state.models[model]?.isStopped ?? false }

    /// - Returns: true when `id` may not stay or come because of the policy, a stop, sleep, or a wish.
    func isOut(_ id: VersionID) -> Bool {
        let wish = state.models[id.model]?.wishes[id.number]
        return asleep.contains(id.model) || wish == false || (isStopped(id.model) && wish != true)
    }

    private func aspire(to version: AspiredVersion) {
        let id = version.id
        guard var record = records[id] else {
            records[id] = VersionRecord(aspired: version)
            emit(id, .discovered)
            meetQuarantine(id)
            return
        }
        if record.aspired.fingerprint != version.fingerprint { record.refusal = nil }
        record.aspired = version
        record.isAspired = true
        let hasChanged = record.triedFingerprint.map { $0 != version.fingerprint } ?? false
        switch record.phase {
        case .failed where hasChanged:
            records[id] = record
            forgetQuarantine(of: id)
            discover(id)
            return
        case .ready where hasChanged && record.warnedFingerprint != version.fingerprint,
            .draining where hasChanged && record.warnedFingerprint != version.fingerprint:
            record.warnedFingerprint = version.fingerprint
            emit(id, .changedWhileLoaded)
        default: break
        }
        records[id] = record
    }

    func discover(_ id: VersionID) {
        records[id]?.phase = .discovered
        emit(id, .discovered)
    }

    func withdraw(_ id: VersionID) {
        guard let record = records[id] else { return }
        switch record.phase {
        case .discovered, .unloaded, .failed:
            records[id] = nil
        case .loading:
            records[id]?.isAspired = false
            abandonLoad(id)
        case .ready, .draining:
            records[id]?.isAspired = false
        }
    }
}
