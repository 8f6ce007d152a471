import CoreMetrics
import MartletCore
import MartletRollout
import MartletServing
import Synchronization

/// What happens to the models, as counters and gauges. Series of a version go with it.
package final class EngineMetrics: Sendable {
    private struct State {
        /// One for each state that a version entered since the process began.
        var transitions: [VersionID: [VersionState: Counter]] = [:]
        var versions: [VersionID: VersionGauges] = [:]
        /// By model, then label.
        var rollouts: [[String]: RolloutGauges] = [:]
        var models: [String: ModelSeries] = [:]
        /// When the load that goes on began.
        var loads: [VersionID: ContinuousClock.Instant] = [:]
    }

    let registry: PrometheusRegistry
    private let state = Mutex(State())
    private let folderFailures: Counter
    private let stateFailures: Counter
    private let now: @Sendable () -> ContinuousClock.Instant

    package init(registry: PrometheusRegistry, now: @escaping @Sendable () -> ContinuousClock.Instant = { .now }) {
        self.registry = registry
        self.now = now
        folderFailures = Counter(label: "martlet_models_folder_failures_total", factory: registry)
        stateFailures = Counter(label: "martlet_state_save_failures_total", factory: registry)
        for (name, help) in Self.helps { registry.describe(name, help) }
    }

    private static let helps = [
        ("martlet_models_folder_failures_total", "Times the models folder could not be read."),
        ("martlet_version_transitions_total", "States that a version entered."),
        ("martlet_version_state", "1 for the state that a version is in."),
        ("martlet_version_leases", "Calls that hold a version."),
        ("martlet_version_memory_bytes", "Resident bytes of a version's weights."),
        ("martlet_load_seconds", "From the first byte read of a version to its readiness."),
        ("martlet_load_failures_total", "Versions of a model that were refused."),
        ("martlet_state_save_failures_total", "Times the state of routes and rollouts could not be saved."),
        ("martlet_route_changes_total", "Times a label of a model was pointed elsewhere."),
        ("martlet_rollout_phase", "1 for the phase that the last rollout of a route is in."),
        ("martlet_rollout_percent", "Share of a route's calls that its last rollout's version has."),
        ("martlet_rollbacks_total", "Rollouts that were taken back, by what took them back."),
        ("martlet_memory_refusals_total", "Loads for which the memory budget had no room."),
        ("martlet_wakings_total", "Times a call brought an idle model back."),
        ("martlet_drain_cut_leases_total", "Calls that held a version past the drain limit and were ended."),
    ]

    // MARK: Events

    /// - Parameter event: as the engine tells it; any thread, in order.
    package func note(_ event: EngineEvent) {
        switch event {
        case .rollout(let event): note(event)
        case .folderFailed: folderFailures.increment()
        case .skipped: break
        }
    }

    private func note(_ event: RolloutEvent) {
        if case .stateNotSaved = event.kind { return stateFailures.increment() }
        let id = VersionID(model: event.model, number: event.version ?? 0)
        state.withLock { state in
            switch event.kind {
            case .verifying: state.loads[id] = now()
            case .ready:
                if let start = state.loads.removeValue(forKey: id) {
                    model(id.model, in: &state).loads.recordNanoseconds(Self.nanoseconds(start.duration(to: now())))
                }
            case .failed:
                state.loads[id] = nil
                model(id.model, in: &state).failures.increment()
            case .abandoned: state.loads[id] = nil
            case .drainOverdue(let leases): model(id.model, in: &state).cutLeases.increment(by: leases)
            case .routed: model(id.model, in: &state).routeChanges.increment()
            case .rollout(_, .rolledBack, let words): model(id.model, in: &state).rolledBack(words)
            case .memoryRefused: model(id.model, in: &state).memoryRefusals.increment()
            case .waking: model(id.model, in: &state).wakings.increment()
            default: break
            }
            guard event.version != nil, let entered = event.kind.entered else { return }
            let counter =
                state.transitions[id]?[entered]
                ?? Counter(
                    label: "martlet_version_transitions_total",
                    dimensions: VersionGauges.dimensions(id) + [("state", entered.rawValue)], factory: registry)
            state.transitions[id, default: [:]][entered] = counter
            counter.increment()
        }
    }

    private static func nanoseconds(_ duration: Duration) -> Int64 {
        Int64(clamping: duration.components.seconds) * 1_000_000_000 + duration.components.attoseconds / 1_000_000_000
    }

    private func model(_ name: String, in state: inout State) -> ModelSeries {
        if let known = state.models[name] { return known }
        let new = ModelSeries(name, registry)
        state.models[name] = new
        return new
    }

    // MARK: Scrapes

    /// Everything as of now.
    package func exposition(of engine: InferenceServer) -> [UInt8] {
        exposition(engine.statuses(), rollouts: engine.rolloutStatuses())
    }

    package func exposition(_ statuses: [ModelStatus], rollouts: [RolloutStatus] = []) -> [UInt8] {
        state.withLock { state in
            let keys = Set(rollouts.map { [$0.spec.model, $0.spec.label] })
            for (key, gauges) in state.rollouts where !keys.contains(key) {
                gauges.destroy()
                state.rollouts[key] = nil
            }
            for rollout in rollouts {
                let key = [rollout.spec.model, rollout.spec.label]
                let gauges = state.rollouts[key] ?? RolloutGauges(rollout.spec, registry)
                gauges.set(rollout)
                state.rollouts[key] = gauges
            }
            let ids = Set(statuses.map { VersionID(model: $0.name, number: $0.version) })
            let models = Set(statuses.map(\.name))
            for (id, gauges) in state.versions where !ids.contains(id) {
                gauges.destroy()
                state.versions[id] = nil
            }
            for (id, counters) in state.transitions where !ids.contains(id) {
                for counter in counters.values { counter.destroy() }
                state.transitions[id] = nil
            }
            for (name, series) in state.models where !models.contains(name) {
                series.destroy()
                state.models[name] = nil
            }
            for status in statuses {
                let id = VersionID(model: status.name, number: status.version)
                let gauges = state.versions[id] ?? VersionGauges(id, registry)
                gauges.set(status)
                state.versions[id] = gauges
            }
        }
        return registry.exposition()
    }
}

extension RolloutEvent.Kind {
    /// The state that a version is in after this; nil where it stays in the one it was in.
    fileprivate var entered: VersionState? {
        switch self {
        case .discovered, .abandoned: .discovered
        case .verifying: .verifying
        case .loading: .loading
        case .warming: .warming
        case .ready, .returned: .ready
        case .draining: .draining
        case .unloaded: .unloaded
        case .failed: .failed
        default: nil
        }
    }
}
