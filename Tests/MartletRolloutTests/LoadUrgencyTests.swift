import MartletCore
import MartletRollout
import MartletTestSupport
import Testing

@Suite("Loads that somebody waits for", .timeLimit(.minutes(5)))
struct LoadUrgencyTests {
    @Test("a load is in haste while no version of its model answers, and takes its time beside one that does")
    func haste() async throws {
        let loader = ScriptedLoader()
        let manager = try RolloutManager(loader: loader)
        let versions = (1...3).map {
            AspiredVersion(id: VersionID(model: "a", number: $0), location: "", fingerprint: "")
        }
        for count in 1...3 {
            await manager.aspire(to: Array(versions.prefix(count)))
            await manager.settled()
            #expect(loader.loads == count && loader.awaited == 1)
        }
        await manager.aspire(to: versions + [
            AspiredVersion(id: VersionID(model: "b", number: 1), location: "", fingerprint: "")
        ])
        await manager.settled()
        #expect(loader.loads == 4 && loader.awaited == 2)
        await manager.shutdown()
    }

    @Test("a rollback to a version that left memory makes its load hurry, also one that has begun", arguments: [0, 1])
    func rollback(begun: Int) async throws {
        let transcript = try RolloutTranscript(
            RolloutConfiguration(defaults: ModelPolicy(selection: .routed), labels: ["a": ["latest": 7]]))
        let (loader, old) = (transcript.loader, VersionID(model: "a", number: 7))
        _ = await transcript.play(
            """
            > aspire a/7 a/8
            > start a 8 keep=0
            > promote a:latest
            > promote a:latest
            """)
        #expect(loader.loads == 2 && loader.awaited == 1)
        loader.hold(old)
        let (manager, aspired) = (transcript.manager, transcript.aspired)
        if begun == 1 {
            let load = Task { try await manager.load(version: old) { () throws(MartletError) in aspired } }
            while loader.atGate.isEmpty { await Task.yield() }
            #expect(!loader.isAwaited(old))
            load.cancel()
        }
        let rollback = Task { try await manager.rollback(label: "latest", of: "a", reason: "") }
        while !loader.isAwaited(old) { await Task.yield() }
        loader.release(old)
        #expect(try await rollback.value.phase == .rolledBack)
        #expect(loader.loads == 3 && loader.awaited == 2)
        await manager.shutdown()
    }

    @Test("calls that wake an idle model make another model's load hurry, since theirs comes after it")
    func idle() async throws {
        let (loader, clock) = (ScriptedLoader(), ManualClock())
        let manager = try RolloutManager(
            configuration: RolloutConfiguration(models: ["a": ModelPolicy(idleUnload: .seconds(60))]), loader: loader,
            clock: clock)
        let versions = [("a", 1), ("b", 1), ("b", 2)].map { name, number in
            AspiredVersion(id: VersionID(model: name, number: number), location: "", fingerprint: "")
        }
        await manager.aspire(to: Array(versions.prefix(2)))
        await manager.settled()
        while clock.sleepers == 0 { await Task.yield() }
        clock.advance(by: .seconds(60))
        while manager.statuses(named: "a").first?.state != .unloaded { await Task.yield() }
        let busy = versions[2].id
        loader.hold(busy)
        await manager.aspire(to: versions)
        while loader.atGate.isEmpty { await Task.yield() }
        #expect(!loader.isAwaited(busy))
        let call = Task { try await manager.leaseWaking(ModelReference(name: "a")).lease.identity.version }
        while !loader.isAwaited(busy) { await Task.yield() }
        loader.release(busy)
        #expect(try await call.value == 1)
        await manager.shutdown()
    }
}
