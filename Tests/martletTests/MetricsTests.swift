import CoreMetrics
import MartletCore
import MartletRollout
import MartletServing
import Synchronization
import Testing
import martlet

@Suite("Metrics")
struct MetricsTests {
    private let registry = PrometheusRegistry()

    @Test("shows counters, gauges and histograms in the text form, sorted, each series once")
    func exposed() throws {
        registry.describe("calls_total", "Calls \\ of\nall kinds.")
        let calls = Counter(label: "calls_total", dimensions: [("kind", "a")], factory: registry)
        calls.increment(by: 3)
        Counter(label: "calls_total", dimensions: [("kind", "a")], factory: registry).increment()
        FloatingPointCounter(label: "calls_total", dimensions: [("kind", "b")], factory: registry).increment(by: 0.5)
        Meter(label: "depth", factory: registry).set(-7)
        Gauge(label: "ratio", factory: registry).record(0.25)
        let times = CoreMetrics.Timer(label: "took_seconds", dimensions: [("model", "m")], factory: registry)
        for nanoseconds in [Int64(1_000_000), 7_000_000, 300_000_000, 100_000_000_000] {
            times.recordNanoseconds(nanoseconds)
        }
        let read = try Exposition(registry.exposition())
        #expect(read.types == ["calls_total": "counter", "depth": "gauge", "ratio": "gauge", "took_seconds": "histogram"])
        #expect(read.helps == ["calls_total": "Calls \\\\ of\\nall kinds."])
        #expect(read.value("calls_total", ["kind": "a"]) == 4 && read.value("calls_total", ["kind": "b"]) == 0.5)
        #expect(read.value("depth") == -7 && read.value("ratio") == 0.25)
        #expect(read.value("took_seconds_count", ["model": "m"]) == 4)
        #expect(read.value("took_seconds_bucket", ["model": "m", "le": "0.005"]) == 1)
        #expect(read.value("took_seconds_bucket", ["model": "m", "le": "0.5"]) == 3)
        #expect(abs((read.value("took_seconds_sum", ["model": "m"]) ?? 0) - 100.308) < 1e-9)
    }

    @Test(
        "a label's value comes through whatever it holds",
        arguments: ["", "plain", "a \"b\" \\ c\nd", "\\n", "ä→\u{0}", "{a=\"b\"},", String(repeating: "x", count: 5_000)])
    func escaped(value: String) throws {
        Counter(label: "things_total", dimensions: [("value", value)], factory: registry).increment()
        #expect(try Exposition(registry.exposition()).value("things_total", ["value": value]) == 1)
    }

    @Test("names that the text form does not know are made into ones that it does")
    func names() throws {
        Counter(label: "9 lives-of.cats", dimensions: [("the kind", "a"), ("0", "b")], factory: registry).increment()
        #expect(
            try Exposition(registry.exposition()).value("_9_lives_of_cats", ["the_kind": "a", "_0": "b"]) == 1)
        Counter(label: "", factory: registry).increment()
        #expect(try Exposition(registry.exposition()).value("_") == 1)
    }

    @Test("what is destroyed is gone, and one of another kind under a known name is not shown")
    func destroyed() throws {
        let counter = Counter(label: "things_total", factory: registry)
        counter.increment()
        Meter(label: "things_total", factory: registry).set(9)
        #expect(try Exposition(registry.exposition()).samples.map(\.value) == [1])
        counter.destroy()
        #expect(registry.exposition().isEmpty)
        // What was made since under the same name is not taken with it.
        let next = Counter(label: "things_total", factory: registry)
        next.increment()
        counter.destroy()
        #expect(try Exposition(registry.exposition()).value("things_total") == 1)
    }

    @Test("a thousand threads' worth of increments are all counted, also while somebody reads")
    func concurrent() async throws {
        let registry = registry
        await withTaskGroup(of: Void.self) { group in
            for task in 0..<50 {
                group.addTask {
                    for _ in 0..<1_000 {
                        Counter(label: "things_total", factory: registry).increment()
                        Counter(label: "own_total", dimensions: [("task", "\(task)")], factory: registry).increment()
                    }
                }
            }
            group.addTask { for _ in 0..<50 { _ = registry.exposition() } }
        }
        let read = try Exposition(registry.exposition())
        #expect(read.value("things_total") == 50_000 && read.value("own_total", ["task": "7"]) == 1_000)
    }

    // MARK: Models

    private func status(_ version: Int, _ state: VersionState, leases: Int = 0) -> ModelStatus {
        ModelStatus(name: "guard", version: version, state: state, memoryBytes: 1_000 * version, leases: leases)
    }

    @Test("counts every state that a version enters, times its load, and lets its series go with it")
    func transitions() throws {
        let clock = Mutex(ContinuousClock.now)
        let metrics = EngineMetrics(registry: registry) { clock.withLock { $0 } }
        func note(_ kind: RolloutEvent.Kind, version: Int? = 7) {
            metrics.note(.rollout(RolloutEvent(model: "guard", version: version, kind)))
        }
        for kind in [RolloutEvent.Kind.discovered, .verifying, .loading, .warming] { note(kind) }
        clock.withLock { $0 += .milliseconds(400) }
        note(.ready)
        note(.draining(leases: 3))
        note(.drainOverdue(leases: 2))
        note(.returned)
        var read = try Exposition(metrics.exposition([status(7, .ready, leases: 5)]))
        let version = ["model": "guard", "version": "7"]
        func transitions(_ state: String) -> Double? {
            read.value("martlet_version_transitions_total", version.merging(["state": state]) { $1 })
        }
        #expect(["discovered", "verifying", "loading", "warming", "draining"].allSatisfy { transitions($0) == 1 })
        #expect(transitions("ready") == 2 && transitions("failed") == nil)
        #expect(read.value("martlet_version_leases", version) == 5)
        #expect(read.value("martlet_version_memory_bytes", version) == 7_000)
        #expect(read.value("martlet_version_state", version.merging(["state": "ready"]) { $1 }) == 1)
        #expect(read.value("martlet_drain_cut_leases_total", ["model": "guard"]) == 2)
        #expect(read.value("martlet_load_seconds_count", ["model": "guard"]) == 1)
        #expect(read.value("martlet_load_seconds_bucket", ["model": "guard", "le": "0.25"]) == 0)
        #expect(read.value("martlet_load_seconds_bucket", ["model": "guard", "le": "0.5"]) == 1)

        // Only the state that holds is shown.
        read = try Exposition(metrics.exposition([status(7, .draining)]))
        #expect(read.samples.count { $0.name == "martlet_version_state" } == 1)
        #expect(read.value("martlet_version_state", version.merging(["state": "draining"]) { $1 }) == 1)

        // Another version of the model keeps what is the model's.
        read = try Exposition(metrics.exposition([status(8, .ready)]))
        #expect(!read.samples.contains { $0.labels["version"] == "7" })
        #expect(read.value("martlet_drain_cut_leases_total", ["model": "guard"]) == 2)
        read = try Exposition(metrics.exposition([]))
        #expect(!read.samples.contains { $0.labels["model"] != nil })
    }

    @Test("counts route changes, and rollbacks by what caused them; shows a rollout's phase and share")
    func rollouts() throws {
        let metrics = EngineMetrics(registry: registry)
        func note(_ kind: RolloutEvent.Kind) { metrics.note(.rollout(RolloutEvent(model: "guard", kind))) }
        note(.routed(label: "stable", ModelRoute(to: 7)))
        note(.routed(label: "stable", nil))
        for reason in [
            "by request", "by request: too slow: for us", "error_rate: of 100 calls the share that failed is 0.5",
            "disagreement: of 30 texts", "p99_ratio: over 100 calls", "version 8 is not in the models folder any more",
        ] {
            note(.rollout(label: "latest", .rolledBack, words: "rolled back to version 7: \(reason)"))
        }
        metrics.note(.folderFailed(MartletError(.notFound, "gone")))
        metrics.note(.rollout(RolloutEvent(.stateNotSaved(reason: "full"))))
        let rollout = RolloutStatus(
            spec: RolloutSpec(model: "guard", version: 8), from: 7, phase: .baking, step: 1, percent: 12.5)
        var read = try Exposition(metrics.exposition([status(7, .ready)], rollouts: [rollout]))
        #expect(read.value("martlet_route_changes_total", ["model": "guard"]) == 2)
        for (cause, count) in [
            ("request", 2), ("error_rate", 1), ("disagreement", 1), ("p99_ratio", 1), ("version", 1),
        ] {
            #expect(read.value("martlet_rollbacks_total", ["model": "guard", "cause": cause]) == Double(count))
        }
        #expect(read.value("martlet_models_folder_failures_total") == 1)
        #expect(read.value("martlet_state_save_failures_total") == 1)
        let route = ["model": "guard", "label": "latest"]
        #expect(read.value("martlet_rollout_percent", route) == 12.5)
        #expect(read.value("martlet_rollout_phase", route.merging(["phase": "baking"]) { $1 }) == 1)
        read = try Exposition(metrics.exposition([status(7, .ready)]))
        #expect(read.value("martlet_rollout_percent", route) == nil)
    }
}
