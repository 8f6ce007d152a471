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
        var models: [String: ModelSeries] = [:]
        /// When the load that goes on began.
        var loads: [VersionID: ContinuousClock.Instant] = [:]
    }

    let registry: PrometheusRegistry
    private let state = Mutex(State())
    private let folderFailures: Counter
    private let now: @Sendable () -> ContinuousClock.Instant

    package init(registry: PrometheusRegistry, now: @escaping @Sendable () -> ContinuousClock.Instant = { .now }) {
        self.registry = registry
        self.now = now
        folderFailures = Counter(label: "martlet_models_folder_failures_total", factory: registry)
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
        let id = event.id
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
            default: break
            }
            guard let entered = event.kind.entered else { return }
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
    package func exposition(of engine: InferenceServer) -> [UInt8] { exposition(engine.statuses()) }

    package func exposition(_ statuses: [ModelStatus]) -> [UInt8] {
        state.withLock { state in
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
