package import MartletCore

/// Something that happened to a version, a route or a rollout, for logs and metrics.
package struct RolloutEvent: Sendable, CustomStringConvertible {
    package enum Kind: Sendable, Hashable {
        case discovered
        case verifying
        case loading
        case warming
        /// Answers from now on.
        case ready
        /// Answers again: it was wanted back while calls still held it.
        case returned
        /// Answers no new call; `leases` calls still hold it.
        case draining(leases: Int)
        /// The drain limit passed; the calls that hold it are asked to end.
        case drainOverdue(leases: Int)
        /// Out of memory.
        case unloaded
        /// Not tried again until its fingerprint changes.
        case failed(reason: String)
        /// A load that was given up because the version is no longer wanted.
        case abandoned
        /// Warning: the bytes of a version in memory seem to have changed on disk. A published version never changes,
        /// so what was loaded goes on answering.
        case changedWhileLoaded
        /// Warning: in quarantine for what it did before: a rollback, or a failure in an earlier life of the process.
        case quarantined(reason: String)
        case quarantineCleared
        /// Warning: there is no memory for it; tried again when some comes back.
        case memoryRefused(reason: String)
        /// An operator wants the version in memory, or out of it, whatever the policy says.
        case wished(isWanted: Bool)
        /// The model leaves memory: nobody called it for a while, or another one needs the room.
        case idle
        /// A call brings an idle model back.
        case waking
        /// Where a label leads from now on; nil: nowhere.
        case routed(label: String, ModelRoute?)
        /// A rollout of a route entered a phase, or a step.
        case rollout(label: String, RolloutStatus.Phase, words: String)
        /// Warning: what was decided would not survive the process. Saving is tried again.
        case stateNotSaved(reason: String)
        /// Warning: the policy asked for a step that its version does not allow.
        case stepIgnored(RolloutStep)

        /// For metrics: does not change between releases.
        package var name: String {
            switch self {
            case .discovered: "discovered"
            case .verifying: "verifying"
            case .loading: "loading"
            case .warming: "warming"
            case .ready: "ready"
            case .returned: "returned"
            case .draining: "draining"
            case .drainOverdue: "drain_overdue"
            case .unloaded: "unloaded"
            case .failed: "failed"
            case .abandoned: "abandoned"
            case .changedWhileLoaded: "changed_while_loaded"
            case .quarantined: "quarantined"
            case .quarantineCleared: "quarantine_cleared"
            case .memoryRefused: "memory_refused"
            case .wished: "wished"
            case .idle: "idle"
            case .waking: "waking"
            case .routed: "routed"
            case .rollout(_, .rolledBack, _): "rolled_back"
            case .rollout(_, .failed, _): "rollout_failed"
            case .rollout(_, .completed, _): "rollout_completed"
            case .rollout: "rollout_step"
            case .stateNotSaved: "state_not_saved"
            case .stepIgnored: "step_ignored"
            }
        }
    }

    /// Empty for what concerns them all.
    package let model: String
    /// Nil for what concerns no single version.
    package let version: Int?
    package let kind: Kind

    package init(model: String = "", version: Int? = nil, _ kind: Kind) {
        self.model = model
        self.version = version
        self.kind = kind
    }

    package var isWarning: Bool {
        switch kind {
        case .drainOverdue, .failed, .changedWhileLoaded, .stepIgnored, .quarantined, .memoryRefused, .stateNotSaved,
            .rollout(_, .rolledBack, _), .rollout(_, .failed, _):
            true
        default: false
        }
    }

    package var description: String {
        let subject = version.map { "\(model)/\($0)" } ?? model
        return switch kind {
        case .discovered: "\(subject) discovered"
        case .verifying: "\(subject) verifying"
        case .loading: "\(subject) loading"
        case .warming: "\(subject) warming"
        case .ready: "\(subject) ready"
        case .returned: "\(subject) ready again"
        case .draining(0): "\(subject) draining"
        case .draining(let leases): "\(subject) draining, \(leases) held"
        case .drainOverdue(let leases): "\(subject) overdue, \(leases) held"
        case .unloaded: "\(subject) unloaded"
        case .failed(let reason): "\(subject) failed: \(reason)"
        case .abandoned: "\(subject) abandoned"
        case .changedWhileLoaded: "\(subject) changed on disk while loaded; ignored"
        case .quarantined(let reason): "\(subject) in quarantine: \(reason)"
        case .quarantineCleared: "\(subject) out of quarantine"
        case .memoryRefused(let reason): "\(subject) refused: \(reason)"
        case .wished(true): "\(subject) wanted by request"
        case .wished(false): "\(subject) unwanted by request"
        case .idle: "\(subject) idle"
        case .waking: "\(subject) waking"
        case .routed(let label, let route): "\(subject):\(label) → \(route.map(\.inWords) ?? "nothing")"
        case .rollout(let label, _, let words): "\(subject):\(label) rollout: \(words)"
        case .stateNotSaved(let reason): "the state of routes and rollouts was not saved: \(reason)"
        case .stepIgnored(let step): "\(subject) step ignored: \(step)"
        }
    }
}

extension ModelRoute {
    /// `3`, or `7 99 %, 8 1 %; 8 answers copies of 10 %`.
    var inWords: String {
        let all = targets.reduce(0) { $0 + $1.weight }
        let shares = targets.map { target in
            targets.count == 1
                ? "\(target.version)"
                : "\(target.version) \((100 * Double(target.weight) / Double(max(1, all))).inWords) %"
        }.joined(separator: ", ")
        let key = stickyKey.isEmpty ? "" : " by \(stickyKey)"
        return shares + key + (shadow.map { "; \($0.version) answers copies of \($0.percent.inWords) %" } ?? "")
    }
}
