import MartletCore
import MartletRollout
import MartletTestSupport
import Testing

@Suite("Loading and unloading by name")
struct RolloutOperatorTests {
    @Test("an unloaded model stays out whatever the source wants, until it is loaded again")
    func staysOut() async throws {
        try await check(
            """
            > aspire a/1 a/2 b/1
            a/1 discovered
            a/2 discovered
            b/1 discovered
            a/2 verifying
            a/2 loading
            a/2 warming
            a/2 ready
            b/1 verifying
            b/1 loading
            b/1 warming
            b/1 ready
            a → 2
            b → 1
            > unload a
            a/2 draining
            a/2 unloaded
              objects in memory: 1
            a → nothing
            > unload a
            > aspire a/1 a/2 a/3 b/1
            a/3 discovered
            > status
            a/1 unloaded: unloaded by request; LoadModel serves it again leases=0
            a/2 unloaded: unloaded by request; LoadModel serves it again leases=0
            a/3 unloaded: unloaded by request; LoadModel serves it again leases=0
            b/1 ready [latest] leases=0
            > lease a
            UNAVAILABLE: version 3 of model a is unloaded: unloaded by request; LoadModel serves it again; no version is ready
            > load a
            loaded 1 discovered, 2 unloaded, 3 ready
            a/3 verifying
            a/3 loading
            a/3 warming
            a/3 ready
            a → 3
            """)
    }

    @Test("calls that hold a version end first, and a label leads to it again after the load")
    func leases() async throws {
        try await check(
            """
            > aspire a/1
            a/1 discovered
            a/1 verifying
            a/1 loading
            a/1 warming
            a/1 ready
            a → 1
            > label stable a 1
            a:stable → 1
            > lease a x
            leased a/1, sha-a
            > unload a
            a/1 draining, 1 held
            a → nothing
            > lease? x
            a/1 alive
            > end x
            a/1 unloaded
              objects in memory: 0
            > lease a:stable
            UNAVAILABLE: label stable: version 1 of model a is unloaded: unloaded by request; LoadModel serves it again; no version is ready
            > load a
            loaded 1 ready
            a/1 verifying
            a/1 loading
            a/1 warming
            a/1 ready
            a → 1
            > lease a:stable
            leased a/1 by stable, sha-a
            """)
    }

    @Test("a version wanted back while a call still holds it answers at once")
    func returns() async throws {
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
            > unload a
            a/1 draining, 1 held
            a → nothing
            > load a
            loaded 1 ready
            a/1 ready again
            a → 1
            """)
    }

    @Test("a load looks at the source, tries what failed again, and says why nothing is ready")
    func retries() async throws {
        try await check(
            """
            > fail a/1 golden answer 3 differs by 0.4
            > aspire a/1
            a/1 discovered
            a/1 verifying
            a/1 loading
            a/1 warming
            a/1 failed: golden answer 3 differs by 0.4
            > load a
            FAILED_PRECONDITION: no version of model a is ready; version 1 is failed: golden answer 3 differs by 0.4
            a/1 discovered
            a/1 verifying
            a/1 loading
            a/1 warming
            a/1 failed: golden answer 3 differs by 0.4
            > heal a/1
            > publish a/1 a/2
            > fail a/2 a tensor is cut short
            > load a
            loaded 1 ready, 2 failed
            a/1 discovered
            a/2 discovered
            a/2 verifying
            a/2 loading
            a/2 warming
            a/2 failed: a tensor is cut short
            a/1 verifying
            a/1 loading
            a/1 warming
            a/1 ready
            a → 1
            """)
    }

    @Test("a load that is running is given up by an unload, and begins anew")
    func givesUp() async throws {
        try await check(
            """
            > hold a/1
            > aspire a/1
            a/1 discovered
            a/1 verifying
            a/1 loading
            a/1 warming
            > unload a
            > release a/1
            a/1 abandoned
            a/1 discovered
            > status
            a/1 unloaded: unloaded by request; LoadModel serves it again leases=0
            > load a
            loaded 1 ready
            a/1 verifying
            a/1 loading
            a/1 warming
            a/1 ready
            a → 1
            """)
    }

    @Test("names that nobody knows are not found, also by labels")
    func unknown() async throws {
        try await check(
            """
            > aspire a/1
            a/1 discovered
            a/1 verifying
            a/1 loading
            a/1 warming
            a/1 ready
            a → 1
            > unload b
            NOT_FOUND: there is no model of that name; `martlet models` lists what is known
            > load b
            NOT_FOUND: there is no version of a model of that name in the models folder; publish one first
            > label stable b
            NOT_FOUND: there is no model of that name; `martlet models` lists what is known
            > publish a/1 b/1
            > load b
            loaded 1 ready
            b/1 discovered
            b/1 verifying
            b/1 loading
            b/1 warming
            b/1 ready
            b → 1
            """)
    }

    @Test("a model has no more labels than it may; one that is there may move, and one taken away makes room")
    func labelsMax() async throws {
        let manager = try RolloutManager(loader: ScriptedLoader(), labelsMax: 2)
        _ = try await manager.load(model: "a") {
            [AspiredVersion(id: VersionID(model: "a", number: 1), location: "a", fingerprint: "a")]
        }
        await manager.settled()
        try await manager.setLabel("blue", of: "a", to: 1)
        try await manager.setLabel("green", of: "a", to: 1)
        let error = await #expect(throws: MartletError.self) { try await manager.setLabel("red", of: "a", to: 1) }
        #expect(error?.code == .failedPrecondition)
        #expect(error?.message.contains("versionLabelsMax") == true)
        try await manager.setLabel("green", of: "a", to: 1)
        try await manager.setLabel("blue", of: "a", to: nil)
        try await manager.setLabel("red", of: "a", to: 1)
        #expect(manager.statuses().map(\.versionLabels) == [["green", "latest", "red"]])
        await manager.shutdown()
    }

    @Test("a load whose task is cancelled waits no longer, and the version gets ready all the same")
    func cancelled() async throws {
        let loader = ScriptedLoader()
        let id = VersionID(model: "a", number: 1)
        loader.hold(id)
        let manager = try RolloutManager(loader: loader)
        let versions = [AspiredVersion(id: id, location: "a", fingerprint: "a")]
        let call = Task { try await manager.load(model: "a") { versions } }
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
