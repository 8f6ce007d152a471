import MartletCore
import MartletRollout
import Testing

@Suite("Many operators at once")
struct RolloutChurnTests {
    @Test("32 tasks that load and unload one name 256 times each, beside watchers and leases, leave it consistent",
        .timeLimit(.minutes(5)))
    func loadsAndUnloads() async throws {
        let loader = ScriptedLoader()
        let manager = try RolloutManager(loader: loader)
        let versions = (1...2).map {
            AspiredVersion(id: VersionID(model: "a", number: $0), location: "", fingerprint: "\($0)")
        }
        await manager.aspire(to: versions)
        await withTaskGroup(of: Void.self) { group in
            for task in 0..<32 {
                group.addTask {
                    for round in 0..<256 {
                        // Overtaken by another's unload it may fail; what counts is what is left at the end.
                        _ = try? await manager.load(model: "a") { versions }
                        if let lease = try? manager.lease(ModelReference(name: "a")).lease {
                            #expect(lease.loaded.isAlive && lease.loaded.id == lease.identity.id)
                        }
                        if (task + round).isMultiple(of: 7) {
                            for await list in manager.watch(named: "a") {
                                #expect(list.map(\.version) == [1, 2])
                                break
                            }
                        }
                        try? await manager.unload(model: "a")
                    }
                }
            }
        }
        await manager.settled()
        #expect(manager.statuses().allSatisfy { $0.state == .unloaded || $0.state == .discovered })
        #expect(loader.ledger.living == 0)
        let statuses = try await manager.load(model: "a") { versions }
        #expect(statuses.map(\.state).last == .ready)
        #expect(try manager.lease(ModelReference(name: "a")).lease.identity.version == 2)
        #expect(loader.sameVersionTwice == 0 && loader.loadsAtOnceSeen == 1)
        while manager.watcherCount > 0 { await Task.yield() }
        await manager.shutdown()
        #expect(loader.ledger.living == 0 && loader.ledger.doubleFrees == 0)
    }
}
