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
            > load a/1
            > load a/1
            > aspire a/1 a/2 a/3 a/4
            > unload a/4
            > unload a/4
            > status
            > lease a
            > load a/4
            > unload a/1
            > unload a/9
            > load a/9
            """)
    }

    @Test("a version that a label leads to is not unloaded")
    func needed() async throws {
        try await check(
            """
            > aspire a/1 a/2
            > label stable a 2
            > unload a/2
            > label stable a
            > unload a/2
            """)
    }

    @Test("a version that fails says why, is not tried again, and is when it was cleared")
    func fails() async throws {
        try await check(
            """
            > fail a/1 a tensor is cut short
            > aspire a/1 a/2
            > load a/1
            > load a/1
            > clear a/1
            > heal a/1
            > clear a/1
            > clear a/2
            > clear a/9
            > status
            """)
    }

    @Test("an unload gives a running load up, and an unloaded model loads the one version that is asked for")
    func stopped() async throws {
        try await check(
            """
            > hold a/2
            > aspire a/1 a/2
            > unload a/2
            > release a/2
            > unload a
            > load a/2
            > unload a
            > load a
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
