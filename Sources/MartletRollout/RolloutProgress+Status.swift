internal import MartletCore

/// A rollout as others read it.
extension RolloutProgress {
    var phase: RolloutStatus.Phase {
        switch state {
        case .loading: .loading
        case .shadowing: .shadowing
        case .baking: .baking
        case .completed: .completed
        case .rolledBack: .rolledBack
        case .failed: .failed
        }
    }

    var reason: String {
        switch state {
        case .rolledBack(let reason), .failed(let reason): reason
        case .loading, .shadowing, .baking, .completed: ""
        }
    }

    /// Place in the steps; -1 before the first. A completed one has done the last.
    var stepNumber: Int {
        switch state {
        case .baking(let step, _): step
        case .completed: spec.steps.count - 1
        case .loading, .shadowing, .rolledBack, .failed: -1
        }
    }

    private func percent(ofStep step: Int) -> Double {
        spec.steps.indices.contains(step) ? spec.steps[step].percent : 0
    }

    /// As it survives the process.
    var saved: RolloutState.Rollout {
        RolloutState.Rollout(
            spec: spec, from: from, routeBefore: routeBefore, phase: phase, step: stepNumber, reason: reason,
            holdsOld: holdsOldUntil != nil)
    }

    func status(now: Duration) -> RolloutStatus {
        var status = RolloutStatus(
            spec: spec, from: from, phase: phase, step: stepNumber, reason: reason, observations: observations)
        func remaining(_ step: Int, _ since: Duration?) -> Duration {
            let bake = spec.steps.indices.contains(step) ? spec.steps[step].bake : .zero
            return max(.zero, bake - (since.map { now - $0 } ?? .zero))
        }
        switch state {
        case .shadowing(let since): status.remaining = remaining(0, since)
        case .baking(let step, let since):
            status.remaining = remaining(step, since)
            status.percent = percent(ofStep: step)
        case .completed: status.percent = 100
        case .loading, .rolledBack, .failed: break
        }
        return status
    }

    /// What a log says of it.
    var inWords: String {
        switch state {
        case .loading: "loading version \(spec.version)"
        case .shadowing: "version \(spec.version) answers copies of \(spec.shadowPercent.inWords) % of the calls"
        case .baking(let step, _):
            "version \(spec.version) has \(percent(ofStep: step).inWords) % of the calls"
        case .completed(holdsOldUntil: nil): "completed"
        case .completed: "completed, version \(from) is kept for \(spec.keepOld)"
        case .rolledBack(let reason): "rolled back to version \(from): \(reason)"
        case .failed(let reason): "failed: \(reason)"
        }
    }
}
