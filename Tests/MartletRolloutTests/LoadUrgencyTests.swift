import MartletCore
import MartletRollout
import MartletTestSupport
import Testing

@Suite("Loads that somebody waits for", .timeLimit(.minutes(5)))
struct LoadUrgencyTests {
    @Test("a load takes its time beside a version that answers, less beside other models, none where nothing answers")
    func levels() async throws {
        let loader = ScriptedLoader()
        let manager = try RolloutManager(loader: loader)
        let versions = [("a", 1), ("a", 2), ("b", 1)].map { name, number in
            AspiredVersion(id: VersionID(model: name, number: number), location: "", fingerprint: "")
        }
        for count in 1...3 {
            await manager.aspire(to: Array(versions.prefix(count)))
            await manager.settled()
        }
        #expect(loader.urgencies == [.awaited, .none, .unanswered])
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
        #expect(loader.urgencies == [.awaited, .none])
        loader.hold(old)
        let (manager, aspired) = (transcript.manager, transcript.aspired)
        if begun == 1 {
            let load = Task { try await manager.load(version: old) { () throws(MartletError) in aspired } }
            while loader.atGate.isEmpty { await Task.yield() }
            #expect(loader.urgency(of: old) == LoadUrgency.Level.none)
            load.cancel()
        }
        let rollback = Task { try await manager.rollback(label: "latest", of: "a", reason: "") }
        while loader.urgency(of: old) != .awaited { await Task.yield() }
        loader.release(old)
        #expect(try await rollback.value.phase == .rolledBack)
        #expect(loader.urgencies == [.awaited, .none, .awaited])
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
        #expect(loader.urgency(of: busy) == LoadUrgency.Level.none)
        let call = Task { try await manager.leaseWaking(ModelReference(name: "a")).lease.identity.version }
        while loader.urgency(of: busy) != .awaited { await Task.yield() }
        loader.release(busy)
        #expect(try await call.value == 1)
        await manager.shutdown()
    }
}
