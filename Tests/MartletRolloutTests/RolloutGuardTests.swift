import MartletCore
import MartletRollout
import Testing

@Suite("Guarded rollouts")
struct RolloutGuardTests {
    /// Version 7 answers by name alone; 8 is there and nothing loads it but a rollout.
    static let routed = RolloutConfiguration(
        defaults: ModelPolicy(selection: .routed), labels: ["a": ["latest": 7, "stable": 7]])

    @Test("goes step by step, holds the old version for a while, and lets it go")
    func steps() async throws {
        try await check(
            """
            > aspire a/7 a/8
            > plan a 8
            > start a 8
            > start a 8
            > start a 8 keep=1
            > routes
            > wait 9
            > rollouts
            > wait 1
            > wait 10
            > rollouts
            > status
            > wait 59
            > wait 1
            > rollouts
            """, Self.routed)
    }

    @Test("copies calls to the new version before it gets any")
    func shadow() async throws {
        try await check(
            """
            > aspire a/7 a/8
            > start a 8 shadow=100 differ=0.1 steps=50:5,100:5
            > lease a
            > compared a 19 of 20
            > wait 1
            > rollouts
            > routes
            > wait 4
            > routes
            > compared a 0 of 30
            > wait 1
            > rollouts
            > status
            > plan a 8
            > clear a/8
            > plan a 8
            """, Self.routed)
    }

    @Test("takes a version back whose calls fail, within a tick, and gives it no call after")
    func errorRate() async throws {
        try await check(
            """
            > aspire a/7 a/8
            > start a 8 error=0.05
            > failed a/8 9
            > wait 1
            > rollouts
            > answered a/8 1 5
            > wait 1
            > lease a@8
            > rollouts
            > start a 8
            > promote a:latest
            > rollback a:latest
            """, Self.routed)
    }

    @Test("takes a slow version back once both have had calls enough")
    func slow() async throws {
        try await check(
            """
            > aspire a/7 a/8
            > start a 8 p99=1.5
            > answered a/8 100 20
            > answered a/7 5 10
            > wait 1
            > rollouts
            > answered a/7 5 10
            > wait 1
            """, Self.routed)
    }

    @Test("forgets what is older than its window")
    func window() async throws {
        try await check(
            """
            > aspire a/7 a/8
            > start a 8 error=0.5 min=10 window=5 steps=50:60,100:60
            > failed a/8 9
            > wait 1
            > wait 7
            > failed a/8 9
            > wait 1
            > rollouts
            """, Self.routed)
    }

    @Test("ends when the new version cannot be loaded, with the reason, and leaves the route as it was")
    func loadFails() async throws {
        try await check(
            """
            > fail a/8 golden answer 3 differs by 0.4
            > aspire a/7 a/8
            > start a 8
            > rollouts
            > routes
            > rollback a:latest
            > plan a 8
            """, Self.routed)
    }

    @Test("a name alone is not drawn to the new version because it is the highest")
    func withoutRoute() async throws {
        try await check(
            """
            > aspire a/7
            > hold a/8
            > publish a/7 a/8
            > aspire a/7
            > start a 8
            > aspire a/7 a/8
            """)
    }

    @Test("makes the route of a name alone explicit, and takes it away again")
    func explicitRoute() async throws {
        try await check(
            """
            > aspire a/7 a/8
            > start a 8
            > routes
            > rollback a:latest it looks odd
            > routes
            > lease a
            """, RolloutConfiguration(models: ["a": ModelPolicy(selection: .specific([7]))]))
    }

    @Test("promotes at once, and takes back by hand: during the rollout, after it, and when the old one has left memory")
    func byHand() async throws {
        try await check(
            """
            > aspire a/7 a/8 a/9
            > hold a/8
            > start a 8 shadow=10
            > promote a:latest
            > release a/8
            > promote a:latest
            > promote a:latest
            > promote a:latest
            > promote a:latest
            > rollback a:latest slow
            > rollback a:latest slow
            > start a 9 keep=1
            > promote a:latest
            > promote a:latest
            > wait 2
            > status
            > rollback a:latest
            > status
            """, RolloutConfiguration(defaults: ModelPolicy(selection: .routed), labels: ["a": ["latest": 7]]))
    }

    @Test("says why the old version cannot have the calls back")
    func cannotGoBack() async throws {
        try await check(
            """
            > aspire a/7 a/8
            > start a 8 keep=0
            > promote a:latest
            > promote a:latest
            > fail a/7 the disk is gone
            > rollback a:latest
            > aspire a/8
            > rollback a:latest
            > rollback a:canary
            > label latest a 8
            > label latest a
            > rollback a:latest
            """, RolloutConfiguration(defaults: ModelPolicy(selection: .routed), labels: ["a": ["latest": 7]]))
    }

    @Test("a rollout owns its route and its versions; another label is nobody's business")
    func owns() async throws {
        try await check(
            """
            > aspire a/7 a/8
            > start a 8 label=stable
            > label stable a 7
            > label stable a
            > label canary a 8
            > unload a/8
            > unload a/7
            > start a 7 label=canary
            """, Self.routed)
    }

    @Test("gives the calls back when the new version is withdrawn, and stays with it when the old one is gone")
    func vanishes() async throws {
        try await check(
            """
            > aspire a/7 a/8
            > start a 8
            > aspire a/7
            > aspire a/7 a/8
            > clear a/8
            > start a 8 error=0.1
            > aspire a/8
            > failed a/8 100
            > wait 1
            > lease a
            > rollouts
            """, RolloutConfiguration(defaults: ModelPolicy(selection: .routed), labels: ["a": ["latest": 7]]))
    }

    @Test("a model unloaded by request ends its rollout without blame")
    func stopped() async throws {
        try await check(
            """
            > aspire a/7 a/8
            > start a 8
            > unload a
            > status
            > load a
            """, Self.routed)
    }
}
