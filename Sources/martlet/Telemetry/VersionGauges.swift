import CoreMetrics
import MartletCore
import Synchronization

/// The gauges of one version.
final class VersionGauges: Sendable {
    private let leases: Meter
    private let memory: Meter
    private let state: ChoiceGauge

    init(_ id: VersionID, _ factory: any MetricsFactory) {
        state = ChoiceGauge("martlet_version_state", Self.dimensions(id), choice: "state", factory)
        leases = Meter(label: "martlet_version_leases", dimensions: Self.dimensions(id), factory: factory)
        memory = Meter(label: "martlet_version_memory_bytes", dimensions: Self.dimensions(id), factory: factory)
    }

    static func dimensions(_ id: VersionID) -> [(String, String)] {
        [("model", id.model), ("version", String(id.number))]
    }

    func set(_ status: ModelStatus) {
        leases.set(status.leases)
        memory.set(status.memoryBytes)
        state.set(status.state.rawValue)
    }

    func destroy() {
        leases.destroy()
        memory.destroy()
        state.destroy()
    }
}

/// The gauges of the last rollout of one route.
final class RolloutGauges: Sendable {
    private let percent: Meter
    private let phase: ChoiceGauge

    init(_ spec: RolloutSpec, _ factory: any MetricsFactory) {
        let dimensions = [("model", spec.model), ("label", spec.label)]
        percent = Meter(label: "martlet_rollout_percent", dimensions: dimensions, factory: factory)
        phase = ChoiceGauge("martlet_rollout_phase", dimensions, choice: "phase", factory)
    }

    func set(_ status: RolloutStatus) {
        percent.set(status.percent)
        phase.set(status.phase.snakeCased)
    }

    func destroy() {
        percent.destroy()
        phase.destroy()
    }
}

/// One of a few words as a gauge: the series of the word that holds is 1, and the only one there is.
final class ChoiceGauge: Sendable {
    private let name: String
    private let dimensions: [(String, String)]
    private let choice: String
    private let factory: any MetricsFactory
    private let current = Mutex<(word: String, meter: Meter)?>(nil)

    init(_ name: String, _ dimensions: [(String, String)], choice: String, _ factory: any MetricsFactory) {
        self.name = name
        self.dimensions = dimensions
        self.choice = choice
        self.factory = factory
    }

    func set(_ word: String) {
        current.withLock { current in
            guard current?.word != word else { return }
            current?.meter.destroy()
            let meter = Meter(label: name, dimensions: dimensions + [(choice, word)], factory: factory)
            meter.set(1)
            current = (word, meter)
        }
    }

    func destroy() {
        current.withLock { current in
            current?.meter.destroy()
            current = nil
        }
    }
}

/// The series of one model, whatever its versions are.
final class ModelSeries: Sendable {
    let loads: Timer
    let failures: Counter
    let cutLeases: Counter
    let routeChanges: Counter
    let memoryRefusals: Counter
    let wakings: Counter
    /// By cause.
    private let rollbacks: [String: Counter]

    private static let rules = ["error_rate", "p99_ratio", "disagreement"]

    init(_ model: String, _ factory: any MetricsFactory) {
        let dimensions = [("model", model)]
        routeChanges = Counter(label: "martlet_route_changes_total", dimensions: dimensions, factory: factory)
        memoryRefusals = Counter(label: "martlet_memory_refusals_total", dimensions: dimensions, factory: factory)
        wakings = Counter(label: "martlet_wakings_total", dimensions: dimensions, factory: factory)
        rollbacks = Dictionary(
            uniqueKeysWithValues: (Self.rules + ["request", "version"]).map { cause in
                let dimensions = dimensions + [("cause", cause)]
                return (cause, Counter(label: "martlet_rollbacks_total", dimensions: dimensions, factory: factory))
            })
        loads = Timer(label: "martlet_load_seconds", dimensions: dimensions, factory: factory)
        failures = Counter(label: "martlet_load_failures_total", dimensions: dimensions, factory: factory)
        cutLeases = Counter(label: "martlet_drain_cut_leases_total", dimensions: dimensions, factory: factory)
    }

    /// - Parameter words: of the event; a rule's name, or `by request`, stands behind the first colon.
    func rolledBack(_ words: String) {
        let reason = words.split(separator: ":", maxSplits: 1).last.map { $0.drop { $0 == " " } } ?? ""
        let rule = Self.rules.first { reason.hasPrefix($0) }
        rollbacks[rule ?? (reason.hasPrefix("by request") ? "request" : "version")]?.increment()
    }

    func destroy() {
        routeChanges.destroy()
        memoryRefusals.destroy()
        wakings.destroy()
        for counter in rollbacks.values { counter.destroy() }
        loads.destroy()
        failures.destroy()
        cutLeases.destroy()
    }
}
