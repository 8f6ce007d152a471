import MartletCore
import MartletRollout
import MartletTestSupport
import Synchronization
import Testing

@Suite("RolloutManager under chance")
struct RolloutSeedsTests {
    @Test("holds its promises in 200 random scenarios", arguments: 0..<8)
    func randomScenarios(part: Int) async throws {
        for seed in (part * 25)..<(part * 25 + 25) { try await Scenario(seed: UInt64(seed)).play() }
    }
}

/// One random life of a manager: versions come, go and fail, leases come and go, time passes.
private final class Scenario {
    private let seed: UInt64
    private var random: SeededGenerator
    private let clock = ManualClock()
    private let loader = ScriptedLoader()
    private let manager: RolloutManager<ScriptedLoader>
    private let loadsAtOnceMax: Int
    private var leases: [Lease<FakeVersion>] = []
    private var aspired: [VersionID: AspiredVersion] = [:]
    /// Models that answered at the last look and were aspired ever since.
    private var answering: Set<String> = []

    init(seed: UInt64) {
        self.seed = seed
        random = SeededGenerator(seed: seed)
        loadsAtOnceMax = Int.random(in: 1...3, using: &random)
        let selection = [VersionSelection.latest(1), .latest(2), .all, .specific([1, 4])].randomElement(using: &random)
        let ledger = loader.ledger
        // Bytes of a version are back before the event says so.
        let inMemory = Mutex(0)
        manager = RolloutManager(
            policy: AvailabilityFirst(selection ?? .all), loader: loader, clock: clock, drainTimeout: .seconds(10),
            loadsAtOnceMax: loadsAtOnceMax
        ) { event in
            switch event.kind {
            case .ready: inMemory.withLock { $0 += 1 }
            case .unloaded:
                let counted = inMemory.withLock { count in
                    count -= 1
                    return count
                }
                // Loads that have not ended may hold objects of their own: at most one each.
                if ledger.living > counted + 3 {
                    Issue.record("\(event): \(ledger.living) objects live, \(counted) known")
                }
            default: break
            }
        }
        loader.yields(Int.random(in: 0...3, using: &random))
    }

    func play() async throws {
        for _ in 0..<60 {
            await act()
            look()
        }
        await manager.settled()
        look()
        #expect(loader.sameVersionTwice == 0, "seed \(seed): a version was loaded twice at once")
        #expect(loader.loadsAtOnceSeen <= loadsAtOnceMax, "seed \(seed)")
        leases = []
        await manager.settled()
        let ready = manager.statuses().filter { $0.state == .ready }.count
        #expect(loader.ledger.living == ready, "seed \(seed): objects in memory are those of ready versions")
        await manager.shutdown()
        #expect(loader.ledger.living == 0, "seed \(seed): \(loader.ledger.living) objects were never freed")
        #expect(loader.ledger.doubleFrees == 0)
        #expect(manager.statuses().isEmpty)
    }

    private func act() async {
        switch Int.random(in: 0..<10, using: &random) {
        case 0..<3:
            let id = randomID()
            if aspired[id] == nil || Bool.random(using: &random) {
                let fingerprint = "\(Int.random(in: 0...3, using: &random))"
                aspired[id] = AspiredVersion(id: id, location: "", fingerprint: fingerprint)
            } else {
                aspired[id] = nil
            }
            answering.formIntersection(aspired.keys.map(\.model))
            await manager.aspire(to: Array(aspired.values))
        case 3: loader.fail(randomID(), Bool.random(using: &random) ? "a reason" : nil)
        case 4..<7: takeLease()
        case 7: if !leases.isEmpty { leases.remove(at: Int.random(in: 0..<leases.count, using: &random)) }
        case 8: clock.advance(by: .seconds(Int.random(in: 0...6, using: &random)))
        default: await manager.settled()
        }
    }

    private func takeLease() {
        let reference = ModelReference(name: ["a", "b"].randomElement(using: &random) ?? "a")
        guard let lease = try? manager.lease(reference) else { return }
        #expect(lease.loaded.id == lease.identity.id, "seed \(seed)")
        leases.append(lease)
    }

    private func look() {
        for lease in leases where !lease.loaded.isAlive { Issue.record("seed \(seed): a leased version was freed") }
        for model in ["a", "b"] where aspired.keys.contains(where: { $0.model == model }) {
            let answers = (try? manager.lease(ModelReference(name: model))) != nil
            if answers { answering.insert(model) }
            #expect(answers || !answering.contains(model), "seed \(seed): \(model) answered once and no longer does")
        }
    }

    private func randomID() -> VersionID {
        VersionID(
            model: ["a", "b"].randomElement(using: &random) ?? "a", number: Int.random(in: 1...5, using: &random))
    }
}
