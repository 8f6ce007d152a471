import MartletCore
import MartletRollout
import MartletTestSupport
import Testing

@Suite("RolloutManager, leaving")
struct RolloutManagerLeavingTests {
    @Test("unloads the old version after the last lease on it has ended, not before")
    func unloadsAfterLastLease() async throws {
        try await check(
            """
            > aspire a/1
            a/1 discovered
            a/1 verifying
            a/1 loading
            a/1 warming
            a/1 ready
            a → 1
            > lease a x
            leased a/1, sha-a
            > lease a y
            leased a/1, sha-a
            > aspire a/1 a/2
            a/2 discovered
            a/2 verifying
            a/2 loading
            a/2 warming
            a/2 ready
            a/1 draining, 2 held
            a → 2
            > status
            a/1 draining leases=2
            a/2 ready [latest] leases=0
            > lease a@1
            UNAVAILABLE: version 1 of model a is draining; ready versions: 2
            > lease a
            leased a/2, sha-a
            > end x
            > lease? y
            a/1 alive
            > end y
            a/1 unloaded
              objects in memory: 1
            > status
            a/1 unloaded leases=0
            a/2 ready [latest] leases=0
            """)
    }

    @Test("goes back to an older version without a gap when the newer one is withdrawn")
    func goesBack() async throws {
        try await check(
            """
            > aspire a/1 a/2
            a/1 discovered
            a/2 discovered
            a/2 verifying
            a/2 loading
            a/2 warming
            a/2 ready
            a → 2
            > hold a/1
            > aspire a/1
            a/1 verifying
            a/1 loading
            a/1 warming
            > lease a
            leased a/2, sha-a
            > release a/1
            a/1 ready
            a/2 draining
            a/2 unloaded
              objects in memory: 1
            a → 1
            """)
    }

    @Test("gives a load up when its version is withdrawn, and starts over when it comes back")
    func withdrawnDuringLoad() async throws {
        try await check(
            """
            > hold a/1
            > aspire a/1
            a/1 discovered
            a/1 verifying
            a/1 loading
            a/1 warming
            > aspire
            > aspire a/1#new
            > release a/1
            a/1 abandoned
            a/1 discovered
            a/1 verifying
            a/1 loading
            a/1 warming
            a/1 ready
            a → 1
            > lease a
            leased a/1, sha-new
            > aspire
            a/1 draining
            a/1 unloaded
              objects in memory: 0
            a → nothing
            > lease a
            NOT_FOUND: there is no model a; `martlet models` lists what is served
            """)
    }

    @Test("revokes leases that are held past the drain limit")
    func drainLimit() async throws {
        try await check(
            """
            > aspire a/1
            a/1 discovered
            a/1 verifying
            a/1 loading
            a/1 warming
            a/1 ready
            a → 1
            > lease a x
            leased a/1, sha-a
            > aspire a/2
            a/2 discovered
            a/2 verifying
            a/2 loading
            a/2 warming
            a/2 ready
            a/1 draining, 1 held
            a → 2
            > wait 29
            > lease? x
            a/1 alive
            > wait 1
            a/1 overdue, 1 held
            > lease? x
            a/1 alive, revoked
            > status
            a/1 draining: calls hold it past the drain limit leases=1
            a/2 ready [latest] leases=0
            > end x
            a/1 unloaded
              objects in memory: 1
            """)
    }

    @Test("lets a version that was withdrawn answer again when it comes back while it drains")
    func withdrawnAndBackWhileDraining() async throws {
        try await check(
            """
            > aspire a/1
            a/1 discovered
            a/1 verifying
            a/1 loading
            a/1 warming
            a/1 ready
            a → 1
            > lease a x
            leased a/1, sha-a
            > aspire
            a/1 draining, 1 held
            a → nothing
            > lease a
            UNAVAILABLE: version 1 of model a is draining; no version is ready
            > aspire a/1
            a/1 ready again
            a → 1
            > lease a y
            leased a/1, sha-a
            > end x
            > end y
            """)
    }

    @Test("shuts down: routes nothing, gives loads up, returns all memory")
    func shutdown() async throws {
        try await check(
            """
            > aspire a/1 b/1
            a/1 discovered
            b/1 discovered
            a/1 verifying
            a/1 loading
            a/1 warming
            a/1 ready
            b/1 verifying
            b/1 loading
            b/1 warming
            b/1 ready
            a → 1
            b → 1
            > shutdown
            a/1 draining
            a/1 unloaded
              objects in memory: 1
            b/1 draining
            b/1 unloaded
              objects in memory: 0
            a → nothing
            b → nothing
            > lease a
            UNAVAILABLE: the server is shutting down
            > aspire a/2
            > status
            """)
    }

    @Test("tells the holders of a revoked lease, also those that ask late")
    func revocationActions() async throws {
        let (clock, loader, log) = (ManualClock(), ScriptedLoader(), EventLog())
        let manager = try RolloutManager(loader: loader, clock: clock, drainTimeout: .seconds(5))
        let one = AspiredVersion(id: .init(model: "a", number: 1), location: "", fingerprint: "")
        await manager.aspire(to: [one])
        await manager.settled()
        let lease = try manager.lease(ModelReference(name: "a")).lease
        var ended: Lease<FakeVersion>? = try manager.lease(ModelReference(name: "a")).lease
        lease.whenRevoked { log.write("held") }
        ended?.whenRevoked { log.write("ended") }
        ended = nil
        await manager.aspire(to: [])
        while clock.sleepers == 0 { await Task.yield() }
        #expect(!lease.isRevoked)
        clock.advance(by: .seconds(5))
        while !lease.isRevoked { await Task.yield() }
        while log.isEmpty { await Task.yield() }
        lease.whenRevoked { log.write("late") }
        #expect(log.take() == ["held", "late"])
        #expect(lease.revocationError.code == .unavailable)
        withExtendedLifetime(lease) {}
    }
}
