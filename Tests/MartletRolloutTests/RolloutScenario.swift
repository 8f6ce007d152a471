import MartletCore
import MartletRollout
import MartletTestSupport
import Testing

/// One random life of a manager: versions come, go and fail, leases come and go, time passes, operators change their
/// minds, the disk fills up, and the process dies and begins again from what it saved, or from what it saved earlier.
final class RolloutScenario {
    let seed: UInt64
    var random: SeededGenerator
    let configuration: RolloutConfiguration
    let loadsAtOnceMax: Int
    private(set) var clock = ManualClock()
    private(set) var loader = ScriptedLoader()
    private(set) var store = MemoryStore()
    private(set) var manager: RolloutManager<ScriptedLoader>
    var leases: [Lease<FakeVersion>] = []
    var aspired: [VersionID: AspiredVersion] = [:]
    /// Versions that an operator took out.
    var unwanted: Set<VersionID> = []
    /// Models that answered at the last look, by a version that nothing takes away.
    var answering: Set<String> = []
    /// Kinds of events that happened.
    let happened: EventLog
    static let models = ["a", "b"]

    init(seed: UInt64, happened: EventLog) throws {
        self.seed = seed
        self.happened = happened
        random = SeededGenerator(seed: seed)
        loadsAtOnceMax = Int.random(in: 1...3, using: &random)
        let selections = [VersionSelection.latest(1), .latest(2), .all, .specific([1, 4]), .routed]
        configuration = RolloutConfiguration(
            defaults: ModelPolicy(
                selection: selections.randomElement(using: &random) ?? .all,
                order: Int.random(in: 0..<4, using: &random) == 0 ? .memoryFirst : .availabilityFirst,
                idleUnload: Int.random(in: 0..<3, using: &random) == 0 ? .seconds(5) : nil,
                isPinned: Int.random(in: 0..<4, using: &random) == 0),
            memoryBytesMax: [nil, 2_000, 3_500].randomElement(using: &random) ?? nil,
            labels: Bool.random(using: &random) ? ["a": ["blue": 2]] : [:])
        manager = try RolloutManager(
            configuration: configuration, loader: loader, store: store, clock: clock, drainTimeout: .seconds(10),
            loadsAtOnceMax: loadsAtOnceMax
        ) { happened.write($0.kind.name) }
        loader.yields(Int.random(in: 0...3, using: &random))
    }

    func play() async throws {
        for _ in 0..<80 {
            try await act()
            look()
        }
        await manager.settled()
        look()
        checkRollouts()
        leases = []
        await manager.settled()
        let ready = manager.statuses().filter { $0.state == .ready }.count
        #expect(loader.ledger.living == ready, "seed \(seed): objects in memory are those of ready versions")
        try await end(manager, loader)
        #expect(manager.statuses().isEmpty)
    }

    private func end(_ manager: RolloutManager<ScriptedLoader>, _ loader: ScriptedLoader) async throws {
        await manager.shutdown()
        #expect(loader.sameVersionTwice == 0, "seed \(seed): a version was loaded twice at once")
        #expect(loader.loadsAtOnceSeen <= loadsAtOnceMax, "seed \(seed)")
        #expect(loader.ledger.living == 0, "seed \(seed): \(loader.ledger.living) objects were never freed")
        #expect(loader.ledger.doubleFrees == 0)
        if let budget = configuration.memoryBytesMax {
            #expect(loader.ledger.bytesMax <= budget, "seed \(seed): more memory than the budget")
        }
    }

    /// The process dies, and begins again with what is on disk: now, or as it was at some moment before.
    func restart() async throws {
        let saves = store.count
        let (old, oldLoader) = (manager, loader)
        store = store.copy(after: Bool.random(using: &random) ? saves : Int.random(in: 0...saves, using: &random))
        clock = ManualClock()
        loader = ScriptedLoader()
        manager = try RolloutManager(
            configuration: configuration, loader: loader, store: store, clock: clock, drainTimeout: .seconds(10),
            loadsAtOnceMax: loadsAtOnceMax
        ) { [happened] in happened.write($0.kind.name) }
        leases = []
        answering = []
        unwanted = []
        for (model, known) in try store.load()?.models ?? [:] {
            for (number, isWanted) in known.wishes where !isWanted {
                unwanted.insert(VersionID(model: model, number: number))
            }
        }
        try await end(old, oldLoader)
        await manager.aspire(to: Array(aspired.values))
    }

    // MARK: Promises

    private func look() {
        for lease in leases where !lease.loaded.isAlive { Issue.record("seed \(seed): a leased version was freed") }
        for model in Self.models {
            lookAtRoutes(of: model)
            // Idle models leave, and memory goes first where its owner says so.
            guard configuration.defaults.order == .availabilityFirst, configuration.defaults.idleUnload == nil else {
                continue
            }
            let lease = try? manager.lease(ModelReference(name: model)).lease
            #expect(lease != nil || !answering.contains(model), "seed \(seed): \(model) answered and no longer does")
            if let id = lease?.identity.id, aspired[id] != nil, !unwanted.contains(id), isRouteWhole(model) {
                answering.insert(model)
            } else {
                answering.remove(model)
            }
        }
    }

    /// True when calls by name alone go to no version that is on its way out.
    private func isRouteWhole(_ model: String) -> Bool {
        let routes = manager.routeStatuses(named: model)
        guard let latest = routes.first(where: { $0.label == "latest" }) else { return true }
        return latest.route.targets.allSatisfy { target in
            let id = VersionID(model: model, number: target.version)
            return aspired[id] != nil && !unwanted.contains(id)
        }
    }

    /// No label leads nowhere while one of its versions is ready.
    private func lookAtRoutes(of model: String) {
        for status in manager.routeStatuses(named: model) {
            let reference = ModelReference(name: model, selector: .label(status.label))
            var failures = 0
            while failures < 3 {
                if let routed = try? manager.lease(reference) {
                    check(routed, label: status.label)
                    break
                }
                let ready = manager.routes().readyVersions(of: model)
                let route = manager.routeStatuses(named: model).first { $0.label == status.label }?.route
                guard let route, route.targets.contains(where: { ready.contains($0.version) }) else { break }
                // A load may have ended between the two looks; not time after time.
                failures += 1
            }
            #expect(failures < 3, "seed \(seed): \(model):\(status.label) leads nowhere")
        }
    }

    func check(_ routed: RoutedLease<FakeVersion>, label: String) {
        let id = routed.lease.identity.id
        #expect(routed.lease.loaded.id == id, "seed \(seed): a lease names another version")
        #expect(routed.lease.identity.label == label)
        if let shadow = routed.shadow {
            #expect(shadow.lease.identity.id != id && shadow.lease.loaded.isAlive, "seed \(seed)")
        }
        let status = manager.statuses(named: id.model).first { $0.version == id.number }
        // Read after the lease: only an operator clears it, and none does meanwhile.
        #expect(status?.isQuarantined != true, "seed \(seed): \(id) is in quarantine and got a call")
    }

    /// A rollout's route is what its step says.
    private func checkRollouts() {
        for rollout in manager.rollouts() {
            let route = manager.routeStatuses(named: rollout.spec.model).first { $0.label == rollout.spec.label }?.route
            let all = route?.targets.reduce(0) { $0 + $1.weight } ?? 0
            let new = route?.targets.first { $0.version == rollout.spec.version }?.weight ?? 0
            switch rollout.phase {
            case .baking:
                #expect(Double(new) * 100 == rollout.percent * Double(all), "seed \(seed): \(rollout)")
            case .loading, .shadowing:
                #expect(route?.targets.map(\.version).contains(rollout.from) == true, "seed \(seed): \(rollout)")
            case .completed, .rolledBack, .failed: break
            }
        }
    }
}
