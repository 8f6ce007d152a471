internal import MartletCore

/// Rollouts as they go on: what happened goes into `RolloutProgress`, what follows comes out of it.
extension RolloutManager {
    /// Lets every rollout look at the time and at its versions.
    /// - Returns: true when something followed from it.
    func lookAtRollouts() -> Bool {
        guard hasAspired else { return false }
        var followed = false
        for key in progress.keys.sorted() where !(progress[key]?.keeps.isEmpty ?? true) {
            followed = step(key, .looked) || followed
        }
        return followed
    }

    /// Shows every running rollout how the calls of its versions ended since the last time.
    func takeFigures() {
        let running = progress.filter(\.value.isRunning)
        // Once for each version, whatever many rollouts look at it: asking empties them.
        var figures: [VersionID: CallFigures] = [:]
        for (key, progress) in running {
            for number in progress.keeps {
                let id = VersionID(model: key.model, number: number)
                if figures[id] == nil { figures[id] = self.figures(of: id) }
            }
        }
        for (key, progress) in running.sorted(by: { $0.key < $1.key }) {
            var sample = RuleWindow.Sample()
            if let old = figures[VersionID(model: key.model, number: progress.from)] { sample.old = old }
            if let new = figures[VersionID(model: key.model, number: progress.spec.version)] { sample.new = new }
            if let recorder = recorders[key], recorder.version == progress.spec.version {
                (sample.texts, sample.agreed) = recorder.takeInterval()
            }
            _ = step(key, .figures(sample))
        }
    }

    /// Nil for a version that is not ready.
    func figures(of id: VersionID) -> CallFigures? {
        // The manager itself lets the object go, so here it is there.
        guard case .ready(let residence, _)? = records[id]?.phase else { return nil }
        return residence.leased.takeFigures()
    }

    /// What happened by itself: it is seen at once, and saved after.
    private func step(_ key: RouteKey, _ event: RolloutProgress.Event) -> Bool {
        guard let before = progress[key] else { return false }
        var after = before
        let actions = after.step(event, look(of: before))
        progress[key] = after
        guard after.state != before.state || !actions.isEmpty else { return false }
        state = applied(after, actions, key)
        settle(key, after, actions, before: before)
        // After the store that callers see: a rollback does not wait for a disk.
        isUnsaved = true
        saveAgain()
        return true
    }

    /// What an operator asked for: it is saved first.
    func drive(_ key: RouteKey, _ event: RolloutProgress.Event) throws(MartletError) {
        guard let before = progress[key] else { return }
        var after = before
        let actions = after.step(event, look(of: before))
        try commit { apply(after, actions, key, to: &$0) }
        settle(key, after, actions, before: before)
    }

    /// The old version of a completed rollout is not held any more.
    func letGoOfOld(_ key: RouteKey) {
        if progress[key]?.holdsOldUntil != nil { _ = step(key, .letGo) }
    }

    private func applied(
        _ rollout: RolloutProgress, _ actions: [RolloutProgress.Action], _ key: RouteKey
    ) -> RolloutState {
        var next = state
        apply(rollout, actions, key, to: &next)
        return next
    }

    func apply(
        _ rollout: RolloutProgress, _ actions: [RolloutProgress.Action], _ key: RouteKey, to state: inout RolloutState
    ) {
        let new = records[VersionID(model: key.model, number: rollout.spec.version)]
        state.change(key.model) { model in
            model.rollouts[key.label] = rollout.saved
            for action in actions {
                switch action {
                case .setRoute(let route): model.routes[key.label] = route
                case .quarantine(let reason):
                    guard let new else { continue }
                    model.quarantine[rollout.spec.version] = .init(
                        fingerprint: new.triedFingerprint ?? new.aspired.fingerprint, reason: reason,
                        isRolledBack: true)
                }
            }
        }
    }

    /// What follows outside the state; `state` has it already.
    func settle(
        _ key: RouteKey, _ after: RolloutProgress, _ actions: [RolloutProgress.Action], before: RolloutProgress?
    ) {
        progress[key] = after
        let new = VersionID(model: key.model, number: after.spec.version)
        for action in actions {
            if case .quarantine(let reason) = action, let record = records[new] {
                if case .ready = record.phase {
                    // Publishes the routes too, in the same store.
                    beginDraining(new)
                } else if case .loading = record.phase {
                    abandonLoad(new)
                } else if record.residence == nil {
                    records[new]?.phase = .failed(
                        reason: reason, fingerprint: record.triedFingerprint ?? record.aspired.fingerprint)
                }
                emit(new, .quarantined(reason: reason))
            }
        }
        publish()
        for case .setRoute(let route) in actions { emit(model: key.model, .routed(label: key.label, route)) }
        if after.phase != before?.phase || after.stepNumber != before?.stepNumber {
            emit(model: key.model, .rollout(label: key.label, after.phase, words: after.inWords))
        }
    }

    private func look(of rollout: RolloutProgress) -> RolloutProgress.Look {
        RolloutProgress.Look(
            now: time.now, old: presence(of: VersionID(model: rollout.spec.model, number: rollout.from)),
            new: presence(of: VersionID(model: rollout.spec.model, number: rollout.spec.version)))
    }

    func presence(of id: VersionID) -> RolloutProgress.Presence {
        guard let record = records[id], record.isAspired else {
            return .gone(reason: "version \(id.number) is not in the models folder any more", isToBlame: true)
        }
        guard !isOut(id) else {
            return .gone(reason: "version \(id.number) was unloaded by request", isToBlame: false)
        }
        if let entry = quarantine(of: id) { return .gone(reason: entry.reason, isToBlame: true) }
        if let refusal = record.refusal {
            return .gone(reason: "version \(id.number) was not loaded: \(refusal)", isToBlame: false)
        }
        switch record.phase {
        case .ready: return .ready
        case .failed(let reason, _): return .gone(reason: reason, isToBlame: true)
        case .discovered, .loading, .draining, .unloaded: return .coming
        }
    }
}
