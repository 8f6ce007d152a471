internal import MartletCore

/// From a step of the policy to a version that answers, or to why it does not.
extension RolloutManager {
    func beginLoading(_ id: VersionID) {
        guard let version = records[id]?.aspired else { return }
        let load = VersionRecord<Loaded>.Load(version: version, stage: .verifying)
        records[id]?.phase = .loading(load)
        records[id]?.warnedFingerprint = nil
        loads[id] = Task { await self.load(version, load.urgency) }
    }

    private func load(_ version: AspiredVersion, _ urgency: LoadUrgency) async {
        do throws(MartletError) {
            try await reserveMemory(for: version)
        } catch {
            return endLoading(version, .failure(error))
        }
        let (stages, stageSink) = AsyncStream.makeStream(of: VersionState.self)
        let (loader, drainedSink, time) = (self.loader, self.drainedSink, self.time)
        // The object goes straight into its residence: nothing else may keep it alive.
        async let result: Result<Residence<Loaded>, MartletError> = {
            defer { stageSink.finish() }
            do throws(MartletError) {
                let loaded = try await loader.load(version, urgency: urgency) { stageSink.yield($0) }
                let residence = Residence(id: version.id, object: loaded, time: time) {
                    drainedSink.yield(version.id)
                }
                return .success(residence)
            } catch {
                return .failure(error)
            }
        }()
        for await stage in stages { enter(stage, version.id) }
        endLoading(version, await result)
    }

    /// Tells running loads who has come to wait for them.
    func hastenLoads() {
        for (id, record) in records {
            if case .loading(let load) = record.phase { load.urgency.raise(to: urgency(of: id)) }
        }
    }

    private func urgency(of id: VersionID) -> LoadUrgency.Level {
        // Also those of another model: its load comes after this one.
        if !waking.isEmpty || !holds.isEmpty { return .awaited }
        let answering = records.filter { $0.value.residence != nil }
        if answering.isEmpty { return .awaited }
        return answering.contains { $0.key.model == id.model } ? .none : .unanswered
    }

    private func enter(_ stage: VersionState, _ id: VersionID) {
        guard case .loading(var load)? = records[id]?.phase else { return }
        load.stage = stage
        switch stage {
        case .verifying: emit(id, .verifying)
        case .loading: emit(id, .loading)
        case .warming: emit(id, .warming)
        case .discovered, .ready, .draining, .unloaded, .failed: return
        }
        records[id]?.phase = .loading(load)
        publish()
    }

    private func endLoading(_ version: AspiredVersion, _ result: Result<Residence<Loaded>, MartletError>) {
        let id = version.id
        loads[id] = nil
        guard let record = records[id], case .loading(let load) = record.phase else { return }
        let hasChanged = record.aspired.fingerprint != version.fingerprint
        let isWanted =
            record.isAspired && !isOut(id) && !isShuttingDown && quarantine(of: id) == nil
            && !(load.isAbandoned && hasChanged)
        switch result {
        case .success(let residence) where isWanted:
            records[id]?.phase = .ready(residence, fingerprint: version.fingerprint)
            emit(id, .ready)
            if hasChanged {
                records[id]?.warnedFingerprint = record.aspired.fingerprint
                emit(id, .changedWhileLoaded)
            }
        case .failure(let error) where isWanted && !load.isAbandoned:
            endLoading(version, with: error)
            if hasChanged {
                forgetQuarantine(of: id)
                records[id]?.refusal = nil
                discover(id)
            }
        case .success, .failure:
            if case .success(let residence) = result {
                _ = residence.close()
                residence.evict()
            }
            emit(id, .abandoned)
            if !record.isAspired {
                records[id] = nil
            } else if let entry = quarantine(of: id) {
                records[id]?.phase = .failed(reason: entry.reason, fingerprint: entry.fingerprint)
            } else {
                discover(id)
            }
            memoryReturned()
        }
        advance()
    }

    /// A load that failed although it was wanted.
    private func endLoading(_ version: AspiredVersion, with error: MartletError) {
        let id = version.id
        if [.resourceExhausted, .cancelled].contains(error.code) {
            // Nothing is wrong with the version.
            records[id]?.phase = .discovered
            records[id]?.refusal = error.message
            emit(id, .memoryRefused(reason: error.message))
        } else {
            records[id]?.phase = .failed(reason: error.message, fingerprint: version.fingerprint)
            emit(id, .failed(reason: error.message))
            let entry = RolloutState.Quarantine(fingerprint: version.fingerprint, reason: error.message)
            note { $0.change(id.model) { $0.quarantine[id.number] = entry } }
            memoryReturned()
        }
    }

    /// Gives a running load up; nothing for a version that is not being loaded.
    func abandonLoad(_ id: VersionID) {
        guard case .loading(var load)? = records[id]?.phase else { return }
        load.isAbandoned = true
        records[id]?.phase = .loading(load)
        loads[id]?.cancel()
    }
}
