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
            > load a/8
            > load a/9
            > route canary a 7=90 8=10
            > label old a
            > load b/1
            > unload b
            > restart
            > status
            > routes
            > aspire a/6 a/7 a/8 a/9 b/1
            > status
            > routes
            > heal a/9
            > aspire a/6 a/7 a/8 a/9#b b/1
            > load b
            """, Self.routed)
    }

    @Test("a rollout goes on at its step, with the bake time from its start")
    func rollout() async throws {
        try await check(
            """
            > aspire a/7 a/8
            > start a 8 steps=10:10,50:10,100:10
            > wait 15
            > restart
            > rollouts
            > aspire a/7 a/8
            > rollouts
            > wait 9
            > wait 1
            > restart
            > aspire a/7 a/8
            > wait 10
            > restart
            > aspire a/7 a/8
            > status
            > wait 60
            > restart
            > aspire a/7 a/8
            > rollouts
            """, Self.routed)
    }

    @Test("a rollout whose version is gone after the restart is taken back, and one that was taken back stays so")
    func gone() async throws {
        try await check(
            """
            > aspire a/7 a/8
            > start a 8
            > restart
            > aspire a/7
            > rollouts
            > aspire a/7 a/8
            > start a 8
            > rollback a:latest
            > restart
            > aspire a/7 a/8
            > status
            > rollouts
            """, Self.routed)
    }

    @Test("what cannot be saved is not done when somebody asked for it")
    func refused() async throws {
        try await check(
            """
            > aspire a/7 a/8
            > disk full
            > label stable a 7
            > routes
            > load a/8
            > unload a
            > start a 8
            > rollouts
            > disk ok
            > label stable a 7
            """, Self.routed)
    }

    @Test("what follows by itself is done, warned of once, and saved when that works again")
    func automatic() async throws {
        try await check(
            """
            > aspire a/7 a/8
            > start a 8 error=0.1
            > disk full
            > failed a/8 10
            > wait 1
            > rollouts
            > wait 3
            > disk ok
            > wait 1
            > restart
            > aspire a/7 a/8
            > rollouts
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
