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
            a/1 discovered
            a/1 verifying
            a/1 loading
            a/1 warming
            a/1 ready
            a → 1
            > aspire a/1 b/1
            b/1 discovered
            b/1 refused: it needs 1000 bytes, and of the memory budget of 1500 bytes (modelMemoryBytesMax) 500 are left: 500 are missing; unload a version, or raise the budget
            > status
            a/1 ready [latest] leases=0
            b/1 unloaded: it needs 1000 bytes, and of the memory budget of 1500 bytes (modelMemoryBytesMax) 500 are left: 500 are missing; unload a version, or raise the budget leases=0
            > load b
            RESOURCE_EXHAUSTED: no version of model b is ready; version 1 is unloaded: it needs 1000 bytes, and of the memory budget of 1500 bytes (modelMemoryBytesMax) 500 are left: 500 are missing; unload a version, or raise the budget
            b/1 refused: it needs 1000 bytes, and of the memory budget of 1500 bytes (modelMemoryBytesMax) 500 are left: 500 are missing; unload a version, or raise the budget
            > load b/1
            RESOURCE_EXHAUSTED: version b/1 was not loaded: it needs 1000 bytes, and of the memory budget of 1500 bytes (modelMemoryBytesMax) 500 are left: 500 are missing; unload a version, or raise the budget
            b/1 wanted by request
            b/1 refused: it needs 1000 bytes, and of the memory budget of 1500 bytes (modelMemoryBytesMax) 500 are left: 500 are missing; unload a version, or raise the budget
            > aspire b/1
            a/1 draining
            a/1 unloaded
              objects in memory: 0
            b/1 verifying
            b/1 loading
            b/1 warming
            b/1 ready
            a → nothing
            b → 1
            > aspire b/1 c/1
            c/1 discovered
            c/1 refused: it needs 1000 bytes, and of the memory budget of 1500 bytes (modelMemoryBytesMax) 500 are left: 500 are missing; unload a version, or raise the budget
            > budget 2500
            c/1 verifying
            c/1 loading
            c/1 warming
            c/1 ready
            c → 1
            > aspire b/1 c/1 d/1
            d/1 discovered
            d/1 refused: it needs 1000 bytes, and of the memory budget of 2500 bytes (modelMemoryBytesMax) 500 are left: 500 are missing; unload a version, or raise the budget
            > budget 0
            d/1 refused: it needs 1000 bytes, and of the memory budget of 0 bytes (modelMemoryBytesMax) 0 are left: 1000 are missing; unload a version, or raise the budget
            > budget 10000
            d/1 verifying
            d/1 loading
            d/1 warming
            d/1 ready
            d → 1
            """, RolloutConfiguration(memoryBytesMax: 1_500))
    }

    @Test("where memory goes first, a model needs no more than its largest version")
    func memoryFirst() async throws {
        try await check(
            """
            > aspire a/1
            a/1 discovered
            a/1 verifying
            a/1 loading
            a/1 warming
            a/1 ready
            a → 1
            > aspire a/1 a/2
            a/2 discovered
            a/1 draining
            a/1 unloaded
              objects in memory: 0
            a/2 verifying
            a/2 loading
            a/2 warming
            a/2 ready
            a → 2
            > fail a/3 not an artifact
            > aspire a/2 a/3
            a/3 discovered
            a/2 draining
            a/2 unloaded
              objects in memory: 0
            a/3 verifying
            a/3 loading
            a/3 warming
            a/3 failed: not an artifact
            a/2 verifying
            a/2 loading
            a/2 warming
            a/2 ready
            """,
            RolloutConfiguration(defaults: ModelPolicy(order: .memoryFirst), memoryBytesMax: 1_500))
    }

    private static let idle = RolloutConfiguration(
        defaults: ModelPolicy(idleUnload: .seconds(60)),
        models: ["p": ModelPolicy(idleUnload: .seconds(60), isPinned: true)])

    @Test("a model that nobody calls leaves memory, and the next call brings it back; a pinned one stays")
    func leaves() async throws {
        try await check(
            """
            > aspire a/1 p/1
            a/1 discovered
            p/1 discovered
            a/1 verifying
            a/1 loading
            a/1 warming
            a/1 ready
            p/1 verifying
            p/1 loading
            p/1 warming
            p/1 ready
            a → 1
            p → 1
            > wait 50
            > lease a x
            leased a/1, sha-a
            > wait 30
            > end x
            > wait 59
            > wait 1
            a idle
            a/1 draining
            a/1 unloaded
              objects in memory: 1
            a → nothing
            > status
            a/1 unloaded: idle; the next call loads it leases=0
            p/1 ready [latest] leases=0
            > lease a
            UNAVAILABLE: version 1 of model a is unloaded: idle; the next call loads it; no version is ready
            > lease a:stable
            NOT_FOUND: model a has no label stable; its labels are: latest
            > wake a
            leased a/1, sha-a
            a waking
            a/1 verifying
            a/1 loading
            a/1 warming
            a/1 ready
            a → 1
            > wake a@9
            NOT_FOUND: model a has no version 9; ready versions: 1
            > wait 60
            > aspire a/1 a/2 p/1
            a/2 discovered
            a/2 verifying
            a/2 loading
            a/2 warming
            a/2 ready
            a/1 draining
            a/1 unloaded
              objects in memory: 2
            a → 2
            > wake a
            leased a/2, sha-a
            > wait 60
            a idle
            a/2 draining
            a/2 unloaded
              objects in memory: 1
            a → nothing
            > load a
            loaded 1 unloaded, 2 ready
            a waking
            a/2 verifying
            a/2 loading
            a/2 warming
            a/2 ready
            a → 2
            > wait 60
            > unload a
            a/2 draining
            a/2 unloaded
              objects in memory: 1
            a → nothing
            > status
            a/1 unloaded: unloaded by request; LoadModel serves it again leases=0
            a/2 unloaded: unloaded by request; LoadModel serves it again leases=0
            p/1 ready [latest] leases=0
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
            a/1 discovered
            b/1 discovered
            p/1 discovered
            a/1 verifying
            a/1 loading
            a/1 warming
            a/1 ready
            b/1 verifying
            b/1 loading
            b/1 warming
            b/1 ready
            p/1 verifying
            p/1 loading
            p/1 warming
            p/1 ready
            a → 1
            b → 1
            p → 1
            > wait 5
            > wake a
            leased a/1, sha-a
            > aspire a/1 b/1 p/1 c/1
            c/1 discovered
            b idle
            b/1 draining
            b/1 unloaded
              objects in memory: 2
            c/1 verifying
            c/1 loading
            c/1 warming
            c/1 ready
            b → nothing
            c → 1
            > wake b
            leased b/1, sha-a
            b waking
            a idle
            a/1 draining
            a/1 unloaded
              objects in memory: 2
            b/1 verifying
            b/1 loading
            b/1 warming
            b/1 ready
            a → nothing
            b → 1
            > wake c x
            leased c/1, sha-a
            > wake b y
            leased b/1, sha-a
            > wake a
            RESOURCE_EXHAUSTED: model a was idle and cannot be loaded again: it needs 1000 bytes, and of the memory budget of 3000 bytes (modelMemoryBytesMax) 0 are left: 1000 are missing; unload a version, or raise the budget
            a waking
            a/1 refused: it needs 1000 bytes, and of the memory budget of 3000 bytes (modelMemoryBytesMax) 0 are left: 1000 are missing; unload a version, or raise the budget
            > end x
            > wake a
            leased a/1, sha-a
            a waking
            c idle
            c/1 draining
            c/1 unloaded
              objects in memory: 2
            a/1 verifying
            a/1 loading
            a/1 warming
            a/1 ready
            a → 1
            c → nothing
            > status
            a/1 ready [latest] leases=0
            b/1 ready [latest] leases=1
            c/1 unloaded: idle; the next call loads it leases=0
            p/1 ready [latest] leases=0
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
        #expect(loader.urgencies == [.awaited, .awaited])
        await manager.shutdown()
        #expect(loader.ledger.living == 0)
    }
}
