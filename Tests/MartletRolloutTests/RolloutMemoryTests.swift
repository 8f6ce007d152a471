import MartletCore
import MartletRollout
import MartletTestSupport
import Testing

@Suite("Memory budget and idle models")
struct RolloutMemoryTests {
    @Test("a load is refused with the missing bytes, and tried again when memory comes back or the budget grows")
    func budget() async throws {
        try await check(
            """
            > aspire a/1
            > aspire a/1 b/1
            > status
            > load b
            > load b/1
            > aspire b/1
            > aspire b/1 c/1
            > budget 2500
            > aspire b/1 c/1 d/1
            > budget 0
            > budget 10000
            """, RolloutConfiguration(memoryBytesMax: 1_500))
    }

    @Test("where memory goes first, a model needs no more than its largest version")
    func memoryFirst() async throws {
        try await check(
            """
            > aspire a/1
            > aspire a/1 a/2
            > fail a/3 not an artifact
            > aspire a/2 a/3
            """,
            RolloutConfiguration(defaults: ModelPolicy(order: .memoryFirst), memoryBytesMax: 1_500))
    }

    private static let idle = RolloutConfiguration(
        defaults: ModelPolicy(idleUnload: .seconds(60)), models: ["p": ModelPolicy(idleUnload: .seconds(60), isPinned: true)])

    @Test("a model that nobody calls leaves memory, and the next call brings it back; a pinned one stays")
    func leaves() async throws {
        try await check(
            """
            > aspire a/1 p/1
            > wait 50
            > lease a x
            > wait 30
            > end x
            > wait 59
            > wait 1
            > status
            > lease a
            > lease a:stable
            > wake a
            > wake a@9
            > wait 60
            > aspire a/1 a/2 p/1
            > wake a
            > wait 60
            > load a
            > wait 60
            > unload a
            > status
            """, Self.idle)
    }

    @Test("the longest unused idle models make room, but none that is called, pinned or may not go")
    func room() async throws {
        var configuration = Self.idle
        configuration.memoryBytesMax = 3_000
        configuration.models["s"] = ModelPolicy()
        try await check(
            """
            > aspire a/1 b/1 p/1
            > wait 5
            > wake a
            > aspire a/1 b/1 p/1 c/1
            > wake b
            > wake c x
            > wake b y
            > wake a
            > end x
            > wake a
            > status
            """, configuration)
    }

    @Test("calls that want an idle model at once share one load, and end in time")
    func sharedLoad() async throws {
        let (loader, clock, id) = (ScriptedLoader(), ManualClock(), VersionID(model: "a", number: 1))
        let manager = try RolloutManager(configuration: Self.idle, loader: loader, clock: clock)
        await manager.aspire(to: [AspiredVersion(id: id, location: "", fingerprint: "")])
        await manager.settled()
        while clock.sleepers == 0 { await Task.yield() }
        clock.advance(by: .seconds(60))
        while manager.statuses().first?.state != .unloaded { await Task.yield() }
        let error = #expect(throws: MartletError.self) { _ = try manager.lease(ModelReference(name: "a")) }
        #expect(error?.code == .unavailable && error?.retryAfter == .seconds(1))

        loader.hold(id)
        let calls = (0..<20).map { _ in
            Task { try await manager.leaseWaking(ModelReference(name: "a")).lease.identity.version }
        }
        while loader.atGate.isEmpty { await Task.yield() }
        let late = Task { try await manager.leaseWaking(ModelReference(name: "a"), deadline: .after(.seconds(3_600))) }
        let cancelled = Task { try await manager.leaseWaking(ModelReference(name: "a")) }
        cancelled.cancel()
        let cancellation = await #expect(throws: MartletError.self) { _ = try await cancelled.value }
        #expect(cancellation?.code == .cancelled)
        while clock.sleepers == 0 { await Task.yield() }
        clock.advance(by: .seconds(3_600))
        let timeout = await #expect(throws: MartletError.self) { _ = try await late.value }
        #expect(timeout?.code == .deadlineExceeded)
        loader.release(id)
        for call in calls { #expect(try await call.value == 1) }
        #expect(loader.loads == 2)
        await manager.shutdown()
        #expect(loader.ledger.living == 0)
    }
}
