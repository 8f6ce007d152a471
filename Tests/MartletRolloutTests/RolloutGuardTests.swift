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
            a/7 discovered
            a/8 discovered
            a/7 verifying
            a/7 loading
            a/7 warming
            a/7 ready
            a → 7
            > plan a 8
            from 7 to 8, loads: true, needs 1000 of -1
            7=9000 8=1000
            8=10000
            > start a 8
            a:latest 7 to 8 loading step -1, 0.0 %, 0 s
            a:latest → 7
            a:latest rollout: loading version 8
            a/8 verifying
            a/8 loading
            a/8 warming
            a/8 ready
            a:latest → 7 90 %, 8 10 %
            a:latest rollout: version 8 has 10 % of the calls
            > start a 8
            a:latest 7 to 8 baking step 0, 10.0 %, 10 s
            > start a 8 keep=1
            FAILED_PRECONDITION: a rollout of version 8 goes on; wait for its end, or end it with `martlet rollout promote` or `martlet rollout rollback`
            > routes
            a:latest 7=9000 8=1000
            a:stable 7=1
            > wait 9
            > rollouts
            a:latest 7 to 8 baking step 0, 10.0 %, 1 s
            > wait 1
            a:latest → 8
            a:latest rollout: version 8 has 100 % of the calls
            a → 8
            > wait 10
            a:latest → 8
            a:latest rollout: completed, version 7 is kept for 60.0 seconds
            > rollouts
            a:latest 7 to 8 completed step 1, 100.0 %, 0 s
            > status
            a/7 ready [stable] leases=0
            a/8 ready [latest] leases=0
            > wait 59
            > wait 1
            > rollouts
            a:latest 7 to 8 completed step 1, 100.0 %, 0 s
            """, Self.routed)
    }

    @Test("copies calls to the new version before it gets any")
    func shadow() async throws {
        try await check(
            """
            > aspire a/7 a/8
            a/7 discovered
            a/8 discovered
            a/7 verifying
            a/7 loading
            a/7 warming
            a/7 ready
            a → 7
            > start a 8 shadow=100 differ=0.1 steps=50:5,100:5
            a:latest 7 to 8 loading step -1, 0.0 %, 0 s
            a:latest → 7
            a:latest rollout: loading version 8
            a/8 verifying
            a/8 loading
            a/8 warming
            a/8 ready
            a:latest → 7; 8 answers copies of 100 %
            a:latest rollout: version 8 answers copies of 100 % of the calls
            > lease a
            leased a/7, sha-a, copied to 8
            > compared a 19 of 20
            > wait 1
            > rollouts
            a:latest 7 to 8 shadowing step -1, 0.0 %, 4 s disagreement=0.05 of 20
            > routes
            a:latest 7=10000 shadow=8:100 agreed 19 of 20
            a:stable 7=1
            > wait 4
            a:latest → 7 50 %, 8 50 %; 8 answers copies of 100 %
            a:latest rollout: version 8 has 50 % of the calls
            > routes
            a:latest 7=5000 8=5000 shadow=8:100 agreed 19 of 20
            a:stable 7=1
            > compared a 0 of 30
            > wait 1
            a/8 draining
            a/8 unloaded
              objects in memory: 1
            a/8 in quarantine: rolled back: disagreement: of 50 texts the share on which the answers differ is 0.62, and 0.1 is the limit
            a:latest → 7
            a:latest rollout: rolled back to version 7: disagreement: of 50 texts the share on which the answers differ is 0.62, and 0.1 is the limit
            > rollouts
            a:latest 7 to 8 rolledBack step -1, 0.0 %, 0 s disagreement=0.62 of 50: disagreement: of 50 texts the share on which the answers differ is 0.62, and 0.1 is the limit
            > status
            a/7 ready [latest stable] leases=0
            a/8 failed quarantined: rolled back: disagreement: of 50 texts the share on which the answers differ is 0.62, and 0.1 is the limit leases=0
            > plan a 8
            from 7 to 8, loads: true, needs 1000 of -1
            7=9000 8=1000
            8=10000
            problem: version 8 is in quarantine: rolled back: disagreement: of 50 texts the share on which the answers differ is 0.62, and 0.1 is the limit; publish another version, or clear that first (ClearQuarantine)
            > clear a/8
            a/8 out of quarantine
            a/8 discovered
            > plan a 8
            from 7 to 8, loads: true, needs 1000 of -1
            7=9000 8=1000
            8=10000
            """, Self.routed)
    }

    @Test("takes a version back whose calls fail, within a tick, and gives it no call after")
    func errorRate() async throws {
        try await check(
            """
            > aspire a/7 a/8
            a/7 discovered
            a/8 discovered
            a/7 verifying
            a/7 loading
            a/7 warming
            a/7 ready
            a → 7
            > start a 8 error=0.05
            a:latest 7 to 8 loading step -1, 0.0 %, 0 s
            a:latest → 7
            a:latest rollout: loading version 8
            a/8 verifying
            a/8 loading
            a/8 warming
            a/8 ready
            a:latest → 7 90 %, 8 10 %
            a:latest rollout: version 8 has 10 % of the calls
            > failed a/8 9
            > wait 1
            > rollouts
            a:latest 7 to 8 baking step 0, 10.0 %, 9 s error_rate=1.0 of 9
            > answered a/8 1 5
            > wait 1
            a/8 draining
            a/8 unloaded
              objects in memory: 1
            a/8 in quarantine: rolled back: error_rate: of 10 calls the share that failed is 0.9, and 0.05 is the limit
            a:latest → 7
            a:latest rollout: rolled back to version 7: error_rate: of 10 calls the share that failed is 0.9, and 0.05 is the limit
            > lease a@8
            UNAVAILABLE: version 8 of model a is failed: rolled back: error_rate: of 10 calls the share that failed is 0.9, and 0.05 is the limit; ready versions: 7
            > rollouts
            a:latest 7 to 8 rolledBack step -1, 0.0 %, 0 s error_rate=0.9 of 10: error_rate: of 10 calls the share that failed is 0.9, and 0.05 is the limit
            > start a 8
            FAILED_PRECONDITION: version 8 is in quarantine: rolled back: error_rate: of 10 calls the share that failed is 0.9, and 0.05 is the limit; publish another version, or clear that first (ClearQuarantine)
            > promote a:latest
            FAILED_PRECONDITION: the rollout of version 8 is over: rolled back to version 7: error_rate: of 10 calls the share that failed is 0.9, and 0.05 is the limit; start another one
            > rollback a:latest
            a:latest 7 to 8 rolledBack step -1, 0.0 %, 0 s error_rate=0.9 of 10: error_rate: of 10 calls the share that failed is 0.9, and 0.05 is the limit
            """, Self.routed)
    }

    @Test("takes a slow version back once both have had calls enough")
    func slow() async throws {
        try await check(
            """
            > aspire a/7 a/8
            a/7 discovered
            a/8 discovered
            a/7 verifying
            a/7 loading
            a/7 warming
            a/7 ready
            a → 7
            > start a 8 p99=1.5
            a:latest 7 to 8 loading step -1, 0.0 %, 0 s
            a:latest → 7
            a:latest rollout: loading version 8
            a/8 verifying
            a/8 loading
            a/8 warming
            a/8 ready
            a:latest → 7 90 %, 8 10 %
            a:latest rollout: version 8 has 10 % of the calls
            > answered a/8 100 20
            > answered a/7 5 10
            > wait 1
            > rollouts
            a:latest 7 to 8 baking step 0, 10.0 %, 9 s p99_ratio=2.0 of 5
            > answered a/7 5 10
            > wait 1
            a/8 draining
            a/8 unloaded
              objects in memory: 1
            a/8 in quarantine: rolled back: p99_ratio: over 10 calls the ratio of the 99th percentiles is 2, and 1.5 is the limit
            a:latest → 7
            a:latest rollout: rolled back to version 7: p99_ratio: over 10 calls the ratio of the 99th percentiles is 2, and 1.5 is the limit
            """, Self.routed)
    }

    @Test("forgets what is older than its window")
    func window() async throws {
        try await check(
            """
            > aspire a/7 a/8
            a/7 discovered
            a/8 discovered
            a/7 verifying
            a/7 loading
            a/7 warming
            a/7 ready
            a → 7
            > start a 8 error=0.5 min=10 window=5 steps=50:60,100:60
            a:latest 7 to 8 loading step -1, 0.0 %, 0 s
            a:latest → 7
            a:latest rollout: loading version 8
            a/8 verifying
            a/8 loading
            a/8 warming
            a/8 ready
            a:latest → 7 50 %, 8 50 %
            a:latest rollout: version 8 has 50 % of the calls
            > failed a/8 9
            > wait 1
            > wait 7
            > failed a/8 9
            > wait 1
            > rollouts
            a:latest 7 to 8 baking step 0, 50.0 %, 51 s error_rate=1.0 of 9
            """, Self.routed)
    }

    @Test("ends when the new version cannot be loaded, with the reason, and leaves the route as it was")
    func loadFails() async throws {
        try await check(
            """
            > fail a/8 golden answer 3 differs by 0.4
            > aspire a/7 a/8
            a/7 discovered
            a/8 discovered
            a/7 verifying
            a/7 loading
            a/7 warming
            a/7 ready
            a → 7
            > start a 8
            a:latest 7 to 8 loading step -1, 0.0 %, 0 s
            a:latest → 7
            a:latest rollout: loading version 8
            a/8 verifying
            a/8 loading
            a/8 warming
            a/8 failed: golden answer 3 differs by 0.4
            a:latest → 7
            a:latest rollout: failed: golden answer 3 differs by 0.4
            > rollouts
            a:latest 7 to 8 failed step -1, 0.0 %, 0 s: golden answer 3 differs by 0.4
            > routes
            a:latest 7=1
            a:stable 7=1
            > rollback a:latest
            FAILED_PRECONDITION: the rollout of version 8 failed (golden answer 3 differs by 0.4); there is nothing to take back
            > plan a 8
            from 7 to 8, loads: true, needs 1000 of -1
            7=9000 8=1000
            8=10000
            problem: version 8 is in quarantine: golden answer 3 differs by 0.4; publish another version, or clear that first (ClearQuarantine)
            """, Self.routed)
    }

    @Test("makes the route of a name alone explicit, so that being the highest draws no calls, and takes it away again")
    func explicitRoute() async throws {
        try await check(
            """
            > aspire a/7 a/8
            a/7 discovered
            a/8 discovered
            a/7 verifying
            a/7 loading
            a/7 warming
            a/7 ready
            a → 7
            > hold a/8
            > start a 8
            a:latest 7 to 8 loading step -1, 0.0 %, 0 s
            a:latest → 7
            a:latest rollout: loading version 8
            a/8 verifying
            a/8 loading
            a/8 warming
            > routes
            a:latest 7=1
            > release a/8
            a/8 ready
            a:latest → 7 90 %, 8 10 %
            a:latest rollout: version 8 has 10 % of the calls
            > routes
            a:latest 7=9000 8=1000
            > rollback a:latest it looks odd
            a:latest 7 to 8 rolledBack step -1, 0.0 %, 0 s: by request: it looks odd
            a/8 draining
            a/8 unloaded
              objects in memory: 1
            a/8 in quarantine: rolled back: by request: it looks odd
            a:latest → nothing
            a:latest rollout: rolled back to version 7: by request: it looks odd
            > routes
            > lease a
            leased a/7, sha-a
            """, RolloutConfiguration(models: ["a": ModelPolicy(selection: .specific([7]))]))
    }

    @Test("promotes at once, and takes back by hand: during it, after it, and when the old one has left memory")
    func byHand() async throws {
        try await check(
            """
            > aspire a/7 a/8 a/9
            a/7 discovered
            a/8 discovered
            a/9 discovered
            a/7 verifying
            a/7 loading
            a/7 warming
            a/7 ready
            a → 7
            > hold a/8
            > start a 8 shadow=10
            a:latest 7 to 8 loading step -1, 0.0 %, 0 s
            a:latest → 7
            a:latest rollout: loading version 8
            a/8 verifying
            a/8 loading
            a/8 warming
            > promote a:latest
            FAILED_PRECONDITION: version 8 is on its way into memory; it takes its first step once it is ready
            > release a/8
            a/8 ready
            a:latest → 7; 8 answers copies of 10 %
            a:latest rollout: version 8 answers copies of 10 % of the calls
            > promote a:latest
            a:latest 7 to 8 baking step 0, 10.0 %, 10 s
            a:latest → 7 90 %, 8 10 %; 8 answers copies of 10 %
            a:latest rollout: version 8 has 10 % of the calls
            > promote a:latest
            a:latest 7 to 8 baking step 1, 100.0 %, 10 s
            a:latest → 8
            a:latest rollout: version 8 has 100 % of the calls
            a → 8
            > promote a:latest
            a:latest 7 to 8 completed step 1, 100.0 %, 0 s
            a:latest → 8
            a:latest rollout: completed, version 7 is kept for 60.0 seconds
            > promote a:latest
            FAILED_PRECONDITION: the rollout of version 8 is over: completed, version 7 is kept for 60.0 seconds; start another one
            > rollback a:latest slow
            a:latest 7 to 8 rolledBack step -1, 0.0 %, 0 s: by request: slow
            a/8 draining
            a/8 unloaded
              objects in memory: 1
            a/8 in quarantine: rolled back: by request: slow
            a:latest → 7
            a:latest rollout: rolled back to version 7: by request: slow
            a → 7
            > rollback a:latest slow
            a:latest 7 to 8 rolledBack step -1, 0.0 %, 0 s: by request: slow
            > start a 9 keep=1
            a:latest 7 to 9 loading step -1, 0.0 %, 0 s
            a:latest → 7
            a:latest rollout: loading version 9
            a/9 verifying
            a/9 loading
            a/9 warming
            a/9 ready
            a:latest → 7 90 %, 9 10 %
            a:latest rollout: version 9 has 10 % of the calls
            > promote a:latest
            a:latest 7 to 9 baking step 1, 100.0 %, 10 s
            a:latest → 9
            a:latest rollout: version 9 has 100 % of the calls
            a → 9
            > promote a:latest
            a:latest 7 to 9 completed step 1, 100.0 %, 0 s
            a:latest → 9
            a:latest rollout: completed, version 7 is kept for 1.0 seconds
            > wait 2
            a/7 draining
            a/7 unloaded
              objects in memory: 1
            > status
            a/7 unloaded leases=0
            a/8 failed quarantined: rolled back: by request: slow leases=0
            a/9 ready [latest] leases=0
            > rollback a:latest
            a:latest 7 to 9 rolledBack step -1, 0.0 %, 0 s: by request
            a/7 verifying
            a/7 loading
            a/7 warming
            a/7 ready
            a/9 draining
            a/9 unloaded
              objects in memory: 1
            a/9 in quarantine: rolled back: by request
            a:latest → 7
            a:latest rollout: rolled back to version 7: by request
            a → 7
            > status
            a/7 ready [latest] leases=0
            a/8 failed quarantined: rolled back: by request: slow leases=0
            a/9 failed quarantined: rolled back: by request leases=0
            """, RolloutConfiguration(defaults: ModelPolicy(selection: .routed), labels: ["a": ["latest": 7]]))
    }

    @Test("says why the old version cannot have the calls back")
    func cannotGoBack() async throws {
        try await check(
            """
            > aspire a/7 a/8
            a/7 discovered
            a/8 discovered
            a/7 verifying
            a/7 loading
            a/7 warming
            a/7 ready
            a → 7
            > start a 8 keep=0
            a:latest 7 to 8 loading step -1, 0.0 %, 0 s
            a:latest → 7
            a:latest rollout: loading version 8
            a/8 verifying
            a/8 loading
            a/8 warming
            a/8 ready
            a:latest → 7 90 %, 8 10 %
            a:latest rollout: version 8 has 10 % of the calls
            > promote a:latest
            a:latest 7 to 8 baking step 1, 100.0 %, 10 s
            a:latest → 8
            a:latest rollout: version 8 has 100 % of the calls
            a → 8
            > promote a:latest
            a:latest 7 to 8 completed step 1, 100.0 %, 0 s
            a:latest → 8
            a:latest rollout: completed
            a/7 draining
            a/7 unloaded
              objects in memory: 1
            > fail a/7 the disk is gone
            > rollback a:latest
            FAILED_PRECONDITION: the route stays as it is, because the version it would go back to cannot be loaded: version a/7 is failed: the disk is gone
            a/7 verifying
            a/7 loading
            a/7 warming
            a/7 failed: the disk is gone
            > aspire a/8
            > rollback a:latest
            FAILED_PRECONDITION: the route stays as it is, because the version it would go back to cannot be loaded: version a/7 was taken away while it was loaded
            > rollback a:canary
            NOT_FOUND: that route has had no rollout; `martlet rollout watch` lists them all
            > label latest a 8
            > label latest a
            a:latest → nothing
            > rollback a:latest
            FAILED_PRECONDITION: the route latest was changed since the rollout of version 8; point it where it should lead with `martlet models label`
            """, RolloutConfiguration(defaults: ModelPolicy(selection: .routed), labels: ["a": ["latest": 7]]))
    }

    @Test("a rollout owns its route and its versions; another label is nobody's business")
    func owns() async throws {
        try await check(
            """
            > aspire a/7 a/8
            a/7 discovered
            a/8 discovered
            a/7 verifying
            a/7 loading
            a/7 warming
            a/7 ready
            a → 7
            > start a 8 label=stable
            a:stable 7 to 8 loading step -1, 0.0 %, 0 s
            a:stable → 7
            a:stable rollout: loading version 8
            a/8 verifying
            a/8 loading
            a/8 warming
            a/8 ready
            a:stable → 7 90 %, 8 10 %
            a:stable rollout: version 8 has 10 % of the calls
            > label stable a 7
            FAILED_PRECONDITION: a rollout of version 8 owns the route stable; wait for its end, or end it with `martlet rollout promote` or `martlet rollout rollback`
            > label stable a
            FAILED_PRECONDITION: a rollout of version 8 owns the route stable; wait for its end, or end it with `martlet rollout promote` or `martlet rollout rollback`
            > label canary a 8
            a:canary → 8
            > unload a/8
            FAILED_PRECONDITION: the rollout of label stable needs version 8; wait for its end, or end it with `martlet rollout rollback`
            > unload a/7
            FAILED_PRECONDITION: the rollout of label stable needs version 7; wait for its end, or end it with `martlet rollout rollback`
            > start a 7 label=canary
            a:canary 8 to 7 baking step 0, 10.0 %, 10 s
            a:canary → 8
            a:canary rollout: loading version 7
            a:canary → 8 90 %, 7 10 %
            a:canary rollout: version 7 has 10 % of the calls
            """, Self.routed)
    }

    @Test("gives the calls back when the new version is withdrawn, and stays with it when the old one is gone")
    func vanishes() async throws {
        try await check(
            """
            > aspire a/7 a/8
            a/7 discovered
            a/8 discovered
            a/7 verifying
            a/7 loading
            a/7 warming
            a/7 ready
            a → 7
            > start a 8
            a:latest 7 to 8 loading step -1, 0.0 %, 0 s
            a:latest → 7
            a:latest rollout: loading version 8
            a/8 verifying
            a/8 loading
            a/8 warming
            a/8 ready
            a:latest → 7 90 %, 8 10 %
            a:latest rollout: version 8 has 10 % of the calls
            > aspire a/7
            a/8 draining
            a/8 unloaded
              objects in memory: 1
            a/8 in quarantine: rolled back: version 8 is not in the models folder any more
            a:latest → 7
            a:latest rollout: rolled back to version 7: version 8 is not in the models folder any more
            > aspire a/7 a/8
            a/8 discovered
            a/8 in quarantine: rolled back: version 8 is not in the models folder any more
            > clear a/8
            a/8 out of quarantine
            a/8 discovered
            > start a 8 error=0.1
            a:latest 7 to 8 loading step -1, 0.0 %, 0 s
            a:latest → 7
            a:latest rollout: loading version 8
            a/8 verifying
            a/8 loading
            a/8 warming
            a/8 ready
            a:latest → 7 90 %, 8 10 %
            a:latest rollout: version 8 has 10 % of the calls
            > aspire a/8
            a/7 draining
            a/7 unloaded
              objects in memory: 1
            a → 8
            > failed a/8 100
            > wait 1
            a:latest → 8
            a:latest rollout: failed: error_rate: of 100 calls the share that failed is 1, and 0.1 is the limit; version 7 is not ready any more to go back to, so version 8 goes on answering
            > lease a
            leased a/8, sha-a
            > rollouts
            a:latest 7 to 8 failed step -1, 0.0 %, 0 s error_rate=1.0 of 100: error_rate: of 100 calls the share that failed is 1, and 0.1 is the limit; version 7 is not ready any more to go back to, so version 8 goes on answering
            """, RolloutConfiguration(defaults: ModelPolicy(selection: .routed), labels: ["a": ["latest": 7]]))
    }

    @Test("a model unloaded by request ends its rollout without blame")
    func stopped() async throws {
        try await check(
            """
            > aspire a/7 a/8
            a/7 discovered
            a/8 discovered
            a/7 verifying
            a/7 loading
            a/7 warming
            a/7 ready
            a → 7
            > start a 8
            a:latest 7 to 8 loading step -1, 0.0 %, 0 s
            a:latest → 7
            a:latest rollout: loading version 8
            a/8 verifying
            a/8 loading
            a/8 warming
            a/8 ready
            a:latest → 7 90 %, 8 10 %
            a:latest rollout: version 8 has 10 % of the calls
            > unload a
            a:latest → 7
            a:latest rollout: rolled back to version 7: version 8 was unloaded by request; the old version is gone too: version 7 was unloaded by request
            a/7 draining
            a/7 unloaded
              objects in memory: 1
            a/8 draining
            a/8 unloaded
              objects in memory: 0
            a → nothing
            > status
            a/7 unloaded: unloaded by request; LoadModel serves it again leases=0
            a/8 unloaded: unloaded by request; LoadModel serves it again leases=0
            > load a
            loaded 7 ready, 8 unloaded
            a/7 verifying
            a/7 loading
            a/7 warming
            a/7 ready
            a → 7
            """, Self.routed)
    }
}
