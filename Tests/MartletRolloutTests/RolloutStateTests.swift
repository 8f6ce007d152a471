import MartletCore
import MartletRollout
import Testing

@Suite("What survives the process")
struct RolloutStateTests {
    private static let routed = RolloutConfiguration(
        defaults: ModelPolicy(selection: .routed), labels: ["a": ["latest": 7, "old": 6]])

    @Test("routes lead nowhere until their versions are ready, then they do; wishes, stops and quarantine stay")
    func restored() async throws {
        try await check(
            """
            > fail a/9 a tensor is cut short
            > aspire a/6 a/7 a/8 a/9 b/1
            a/6 discovered
            a/7 discovered
            a/8 discovered
            a/9 discovered
            b/1 discovered
            a/7 verifying
            a/7 loading
            a/7 warming
            a/7 ready
            a/6 verifying
            a/6 loading
            a/6 warming
            a/6 ready
            a → 7
            > load a/8
            loaded 8 ready
            a/8 wanted by request
            a/8 verifying
            a/8 loading
            a/8 warming
            a/8 ready
            > load a/9
            FAILED_PRECONDITION: version a/9 is failed: a tensor is cut short
            a/9 wanted by request
            a/9 verifying
            a/9 loading
            a/9 warming
            a/9 failed: a tensor is cut short
            > route canary a 7=90 8=10
            a:canary → 7 90 %, 8 10 %
            > label old a
            a:old → nothing
            a/6 draining
            a/6 unloaded
              objects in memory: 2
            > load b/1
            loaded 1 ready
            b/1 wanted by request
            b/1 verifying
            b/1 loading
            b/1 warming
            b/1 ready
            b → 1
            > unload b
            b/1 draining
            b/1 unloaded
              objects in memory: 2
            b → nothing
            > restart
            a → nothing
            > status
            > routes
            > aspire a/6 a/7 a/8 a/9 b/1
            a/6 discovered
            a/7 discovered
            a/8 discovered
            a/9 discovered
            a/9 in quarantine: a tensor is cut short
            b/1 discovered
            a/8 verifying
            a/8 loading
            a/8 warming
            a/8 ready
            a/7 verifying
            a/7 loading
            a/7 warming
            a/7 ready
            a → 7
            > status
            a/6 discovered leases=0
            a/7 ready [canary latest] leases=0
            a/8 ready [canary] leases=0
            a/9 failed quarantined: a tensor is cut short leases=0
            b/1 unloaded: unloaded by request; LoadModel serves it again leases=0
            > routes
            a:canary 7=90 8=10
            a:latest 7=1
            > heal a/9
            > aspire a/6 a/7 a/8 a/9#b b/1
            a/9 discovered
            a/9 verifying
            a/9 loading
            a/9 warming
            a/9 ready
            > load b
            FAILED_PRECONDITION: no version of model b is ready; version 1 is discovered
            """, Self.routed)
    }

    @Test("a rollout goes on at its step, with the bake time from its start")
    func rollout() async throws {
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
            > start a 8 steps=10:10,50:10,100:10
            a:latest 7 to 8 loading step -1, 0.0 %, 0 s
            a:latest → 7
            a:latest rollout: loading version 8
            a/8 verifying
            a/8 loading
            a/8 warming
            a/8 ready
            a:latest → 7 90 %, 8 10 %
            a:latest rollout: version 8 has 10 % of the calls
            > wait 15
            a:latest → 7 50 %, 8 50 %
            a:latest rollout: version 8 has 50 % of the calls
            > restart
            a → nothing
            > rollouts
            a:latest 7 to 8 baking step 1, 50.0 %, 10 s
            > aspire a/7 a/8
            a/7 discovered
            a/8 discovered
            a/8 verifying
            a/8 loading
            a/8 warming
            a/8 ready
            a/7 verifying
            a/7 loading
            a/7 warming
            a/7 ready
            a → 7
            > rollouts
            a:latest 7 to 8 baking step 1, 50.0 %, 10 s
            > wait 9
            > wait 1
            a:latest → 8
            a:latest rollout: version 8 has 100 % of the calls
            a → 8
            > restart
            a → nothing
            > aspire a/7 a/8
            a/7 discovered
            a/8 discovered
            a/8 verifying
            a/8 loading
            a/8 warming
            a/8 ready
            a/7 verifying
            a/7 loading
            a/7 warming
            a/7 ready
            a → 8
            > wait 10
            a:latest → 8
            a:latest rollout: completed, version 7 is kept for 60.0 seconds
            > restart
            a → nothing
            > aspire a/7 a/8
            a/7 discovered
            a/8 discovered
            a/8 verifying
            a/8 loading
            a/8 warming
            a/8 ready
            a/7 verifying
            a/7 loading
            a/7 warming
            a/7 ready
            a → 8
            > status
            a/7 ready leases=0
            a/8 ready [latest] leases=0
            > wait 60
            a/7 draining
            a/7 unloaded
              objects in memory: 1
            > restart
            a → nothing
            > aspire a/7 a/8
            a/7 discovered
            a/8 discovered
            a/8 verifying
            a/8 loading
            a/8 warming
            a/8 ready
            a → 8
            > rollouts
            a:latest 7 to 8 completed step 2, 100.0 %, 0 s
            """, Self.routed)
    }

    @Test("a rollout whose version is gone after the restart is taken back, and one that was taken back stays so")
    func gone() async throws {
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
            > restart
            a → nothing
            > aspire a/7
            a/7 discovered
            a:latest → 7
            a:latest rollout: rolled back to version 7: version 8 is not in the models folder any more
            a/7 verifying
            a/7 loading
            a/7 warming
            a/7 ready
            a → 7
            > rollouts
            a:latest 7 to 8 rolledBack step -1, 0.0 %, 0 s: version 8 is not in the models folder any more
            > aspire a/7 a/8
            a/8 discovered
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
            > rollback a:latest
            a:latest 7 to 8 rolledBack step -1, 0.0 %, 0 s: by request
            a/8 draining
            a/8 unloaded
              objects in memory: 1
            a/8 in quarantine: rolled back: by request
            a:latest → 7
            a:latest rollout: rolled back to version 7: by request
            > restart
            a → nothing
            > aspire a/7 a/8
            a/7 discovered
            a/8 discovered
            a/8 in quarantine: rolled back: by request
            a/7 verifying
            a/7 loading
            a/7 warming
            a/7 ready
            a → 7
            > status
            a/7 ready [latest] leases=0
            a/8 failed quarantined: rolled back: by request leases=0
            > rollouts
            a:latest 7 to 8 rolledBack step -1, 0.0 %, 0 s: by request
            """, Self.routed)
    }

    @Test("what cannot be saved is not done when somebody asked for it")
    func refused() async throws {
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
            > disk full
            > label stable a 7
            RESOURCE_EXHAUSTED: nothing was changed, because it could not be saved: full
            > routes
            a:latest 7=1
            a:old 6=1
            > load a/8
            RESOURCE_EXHAUSTED: nothing was changed, because it could not be saved: full
            > unload a
            RESOURCE_EXHAUSTED: nothing was changed, because it could not be saved: full
            > start a 8
            RESOURCE_EXHAUSTED: nothing was changed, because it could not be saved: full
            > rollouts
            > disk ok
            > label stable a 7
            a:stable → 7
            """, Self.routed)
    }

    @Test("what follows by itself is done, warned of once, and saved when that works again")
    func automatic() async throws {
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
            > disk full
            > failed a/8 10
            > wait 1
            a/8 draining
            a/8 unloaded
              objects in memory: 1
            a/8 in quarantine: rolled back: error_rate: of 10 calls the share that failed is 1, and 0.1 is the limit
            a:latest → 7
            a:latest rollout: rolled back to version 7: error_rate: of 10 calls the share that failed is 1, and 0.1 is the limit
            the state of routes and rollouts was not saved: full
            > rollouts
            a:latest 7 to 8 rolledBack step -1, 0.0 %, 0 s error_rate=1.0 of 10: error_rate: of 10 calls the share that failed is 1, and 0.1 is the limit
            > wait 3
            > disk ok
            > wait 1
            > restart
            a → nothing
            > aspire a/7 a/8
            a/7 discovered
            a/8 discovered
            a/8 in quarantine: rolled back: error_rate: of 10 calls the share that failed is 1, and 0.1 is the limit
            a/7 verifying
            a/7 loading
            a/7 warming
            a/7 ready
            a → 7
            > rollouts
            a:latest 7 to 8 rolledBack step -1, 0.0 %, 0 s: error_rate: of 10 calls the share that failed is 1, and 0.1 is the limit
            """, Self.routed)
    }

    @Test("a state that cannot be read, or that cannot be, stops the start with what to do")
    func unreadable() async throws {
        let store = MemoryStore()
        store.fail("state.json ends in the middle of a line")
        var states = [RolloutState](repeating: RolloutState(), count: 5)
        states[0].format = 2
        states[1].models["../x"] = .init()
        states[2].models["a"] = .init()
        states[2].models["a"]?.routes["x"] = ModelRoute(targets: [])
        let spec = RolloutSpec(model: "a", version: 2)
        states[3].models["a"] = .init()
        states[3].models["a"]?.rollouts["latest"] = .init(
            spec: spec, from: 1, routeBefore: nil, phase: .baking, step: 4)
        states[4].models["a"] = .init()
        states[4].models["a"]?.rollouts["other"] = .init(spec: spec, from: 1, routeBefore: nil, phase: .loading)
        for store in [store] + states.map({ MemoryStore($0) }) {
            let error = #expect(throws: MartletError.self) {
                _ = try RolloutManager(loader: ScriptedLoader(), store: store)
            }
            #expect(error?.code == .failedPrecondition)
            #expect(error?.message.contains("take it away to begin without") == true, "\(String(describing: error))")
        }
    }
}
