import CoreMetrics
import MartletCore
import Synchronization

/// The gauges of one version.
final class VersionGauges: Sendable {
    private let id: VersionID
    private let factory: any MetricsFactory
    private let leases: Meter
    private let memory: Meter
    private let state = Mutex<(state: VersionState, meter: Meter)?>(nil)

    init(_ id: VersionID, _ factory: any MetricsFactory) {
        self.id = id
        self.factory = factory
        leases = Meter(label: "martlet_version_leases", dimensions: Self.dimensions(id), factory: factory)
        memory = Meter(label: "martlet_version_memory_bytes", dimensions: Self.dimensions(id), factory: factory)
    }

    static func dimensions(_ id: VersionID) -> [(String, String)] {
        [("model", id.model), ("version", String(id.number))]
    }

    func set(_ status: ModelStatus) {
        leases.set(status.leases)
        memory.set(status.memoryBytes)
        state.withLock { current in
            guard current?.state != status.state else { return }
            current?.meter.destroy()
            let meter = Meter(
                label: "martlet_version_state",
                dimensions: Self.dimensions(id) + [("state", status.state.rawValue)], factory: factory)
            meter.set(1)
            current = (status.state, meter)
        }
    }

    func destroy() {
        leases.destroy()
        memory.destroy()
        state.withLock { $0?.meter.destroy() }
    }
}

/// The series of one model, whatever its versions are.
final class ModelSeries: Sendable {
    let loads: Timer
    let failures: Counter
    let cutLeases: Counter

    init(_ model: String, _ factory: any MetricsFactory) {
        let dimensions = [("model", model)]
        loads = Timer(label: "martlet_load_seconds", dimensions: dimensions, factory: factory)
        failures = Counter(label: "martlet_load_failures_total", dimensions: dimensions, factory: factory)
        cutLeases = Counter(label: "martlet_drain_cut_leases_total", dimensions: dimensions, factory: factory)
    }

    func destroy() {
        loads.destroy()
        failures.destroy()
        cutLeases.destroy()
    }
}
