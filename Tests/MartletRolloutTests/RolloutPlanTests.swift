import MartletCore
import MartletRollout
import Testing

@Suite("Planning a rollout")
struct RolloutPlanTests {
    @Test("says every reason why it cannot start, with the way out")
    func problems() async throws {
        try await check(
            """
            > plan a 8
            > aspire a/6 a/7 a/8
            > plan a 7
            > plan a 9
            > plan a 8 label=canary
            > plan a 8 steps=10:1,10:1
            > plan a 8 steps=10:1,50:1
            > plan a 8 steps=0.001:1,100:1
            > plan a 8 steps=10:-1,100:9999999
            > plan a 8 error=2 p99=0.5 differ=3 min=0 window=0
            > plan a 8 differ=0.1
            > plan a 8 shadow=101 key=X-User keep=-1
            > route wide a 6=1 7=1
            > plan a 8 label=wide
            > unload a/8
            > plan a 8
            > start a 8
            """, RolloutConfiguration(models: ["a": ModelPolicy(selection: .specific([6, 7]))]))
    }

    @Test("shows each stage, the memory it needs and the memory there is")
    func stages() async throws {
        try await check(
            """
            > size a/8 700
            > aspire a/7 a/8
            > plan a 8 steps=0.5:1,12.25:1,100:1 shadow=5 key=x-user
            > budget 1600
            > plan a 8
            > start a 8
            > budget 1700
            > start a 8
            """, RolloutConfiguration(models: ["a": ModelPolicy(selection: .specific([7]))]))
    }
}
