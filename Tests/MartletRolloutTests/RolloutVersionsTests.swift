import MartletCore
import MartletRollout
import MartletTestSupport
import Testing

@Suite("Loading and unloading single versions")
struct RolloutVersionsTests {
    @Test("a wish goes before the policy; after the highest has left, the next one answers")
    func wishes() async throws {
        try await check(
            """
            > aspire a/1 a/2 a/3
            a/1 discovered
            a/2 discovered
            a/3 discovered
            a/3 verifying
            a/3 loading
            a/3 warming
            a/3 ready
            a → 3
            > load a/1
            loaded 1 ready
            a/1 wanted by request
            a/1 verifying
            a/1 loading
            a/1 warming
            a/1 ready
            > load a/1
            loaded 1 ready
            > aspire a/1 a/2 a/3 a/4
            a/4 discovered
            a/4 verifying
            a/4 loading
            a/4 warming
            a/4 ready
            a/3 draining
            a/3 unloaded
              objects in memory: 2
            a → 4
            > unload a/4
            a/4 unwanted by request
            a/3 verifying
            a/3 loading
            a/3 warming
            a/3 ready
            a/4 draining
            a/4 unloaded
              objects in memory: 2
            a → 3
            > unload a/4
            > status
            a/1 ready leases=0
            a/2 discovered leases=0
            a/3 ready [latest] leases=0
            a/4 unloaded: unloaded by request; LoadVersion serves it again leases=0
            > lease a
            leased a/3, sha-a
            > load a/4
            loaded 4 ready
            a/4 wanted by request
            a/4 verifying
            a/4 loading
            a/4 warming
            a/4 ready
            a/3 draining
            a/3 unloaded
              objects in memory: 2
            a → 4
            > unload a/1
            a/1 unwanted by request
            a/1 draining
            a/1 unloaded
              objects in memory: 1
            > unload a/9
            NOT_FOUND: there is no such version; `martlet models` lists what is known
            > load a/9
            NOT_FOUND: there is no version 9 of a model of that name in the models folder; publish it first
            """)
    }

    @Test("a version that a label leads to is not unloaded")
    func needed() async throws {
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
            > label stable a 2
            a:stable → 2
            > unload a/2
            FAILED_PRECONDITION: label stable leads to version 2; point it at another version first, with `martlet models label`
            > label stable a
            a:stable → nothing
            > unload a/2
            a/2 unwanted by request
            a/1 verifying
            a/1 loading
            a/1 warming
            a/1 ready
            a/2 draining
            a/2 unloaded
              objects in memory: 1
            a → 1
            """)
    }

    @Test("a version that fails says why, is not tried again, and is when it was cleared")
    func fails() async throws {
        try await check(
            """
            > fail a/1 a tensor is cut short
            > aspire a/1 a/2
            a/1 discovered
            a/2 discovered
            a/2 verifying
            a/2 loading
            a/2 warming
            a/2 ready
            a → 2
            > load a/1
            FAILED_PRECONDITION: version a/1 is failed: a tensor is cut short
            a/1 wanted by request
            a/1 verifying
            a/1 loading
            a/1 warming
            a/1 failed: a tensor is cut short
            > load a/1
            FAILED_PRECONDITION: version a/1 is in quarantine: a tensor is cut short; clear that first (ClearQuarantine), or publish another version
            > clear a/1
            a/1 out of quarantine
            a/1 discovered
            a/1 verifying
            a/1 loading
            a/1 warming
            a/1 failed: a tensor is cut short
            > heal a/1
            > clear a/1
            a/1 out of quarantine
            a/1 discovered
            a/1 verifying
            a/1 loading
            a/1 warming
            a/1 ready
            > clear a/2
            > clear a/9
            NOT_FOUND: there is no such version; `martlet models` lists what is known
            > status
            a/1 ready leases=0
            a/2 ready [latest] leases=0
            """)
    }

    @Test("an unload gives a running load up, and an unloaded model loads the one version that is asked for")
    func stopped() async throws {
        try await check(
            """
            > hold a/2
            > aspire a/1 a/2
            a/1 discovered
            a/2 discovered
            a/2 verifying
            a/2 loading
            a/2 warming
            > unload a/2
            a/2 unwanted by request
            > release a/2
            a/2 abandoned
            a/2 discovered
            a/1 verifying
            a/1 loading
            a/1 warming
            a/1 ready
            a → 1
            > unload a
            a/1 draining
            a/1 unloaded
              objects in memory: 0
            a → nothing
            > load a/2
            loaded 2 ready
            a/2 wanted by request
            a/2 verifying
            a/2 loading
            a/2 warming
            a/2 ready
            a → 2
            > unload a
            > load a
            loaded 1 unloaded, 2 ready
            """)
    }

    @Test("a load whose task is cancelled waits no longer")
    func cancelled() async throws {
        let loader = ScriptedLoader()
        let id = VersionID(model: "a", number: 1)
        loader.hold(id)
        let manager = try RolloutManager(loader: loader)
        let versions = [AspiredVersion(id: id, location: "a", fingerprint: "a")]
        let call = Task { try await manager.load(version: id) { versions } }
        while loader.atGate.isEmpty { await Task.yield() }
        call.cancel()
        let error = await #expect(throws: MartletError.self) { try await call.value }
        #expect(error?.code == .cancelled)
        loader.release(id)
        await manager.settled()
        #expect(manager.statuses().map(\.state) == [.ready])
        await manager.shutdown()
    }
}
