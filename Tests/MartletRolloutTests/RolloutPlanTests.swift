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
            NOT_FOUND: there is no model of that name; `martlet models` lists what is known
            > aspire a/6 a/7 a/8
            a/6 discovered
            a/7 discovered
            a/8 discovered
            a/7 verifying
            a/7 loading
            a/7 warming
            a/7 ready
            a/6 verifying
            a/6 loading
            a/6 warming
            a/6 ready
            a → 7
            > plan a 7
            from 0 to 7, loads: false, needs 0 of -1
            problem: version 7 has all calls of latest already
            > plan a 9
            from 7 to 9, loads: false, needs 0 of -1
            7=9000 9=1000
            9=10000
            problem: there is no version 9 of model a in the models folder; publish it first
            > plan a 8 label=canary
            from 0 to 8, loads: true, needs 1000 of -1
            problem: label canary of model a leads nowhere; point it at a version first, with `martlet models label`
            > plan a 8 steps=10:1,10:1
            from 7 to 8, loads: true, needs 1000 of -1
            problem: steps must rise, each by 0.01 percent at least
            problem: the last step is 10 percent; it must be 100, so that the new version has all calls
            > plan a 8 steps=10:1,50:1
            from 7 to 8, loads: true, needs 1000 of -1
            problem: the last step is 50 percent; it must be 100, so that the new version has all calls
            > plan a 8 steps=0.001:1,100:1
            from 7 to 8, loads: true, needs 1000 of -1
            problem: steps[0].percent is 0.001, not 0.01 to 100
            > plan a 8 steps=10:-1,100:9999999
            from 7 to 8, loads: true, needs 1000 of -1
            problem: steps[0].bake is -1.0 seconds; it takes 0 seconds to 30 days
            problem: steps[1].bake is 9999999.0 seconds; it takes 0 seconds to 30 days
            > plan a 8 error=2 p99=0.5 differ=3 min=0 window=0
            from 7 to 8, loads: true, needs 1000 of -1
            problem: rules.error_rate_max is 2.0, not 0 to 1
            problem: rules.p99_ratio_max is 0.5; it must be at least 1
            problem: rules.disagreement_max is 3.0, not 0 to 1
            problem: rules.calls_min is 0; it must be at least 1
            problem: rules.window is 0.0 seconds; it takes 1 second to 1 hour
            problem: rules.disagreement_max needs a shadow to compare with; set shadow_percent above 0, or leave it out
            > plan a 8 differ=0.1
            from 7 to 8, loads: true, needs 1000 of -1
            problem: rules.disagreement_max needs a shadow to compare with; set shadow_percent above 0, or leave it out
            > plan a 8 shadow=101 key=X-User keep=-1
            from 7 to 8, loads: true, needs 1000 of -1
            problem: shadow_percent is 101.0, not 0 to 100
            problem: sticky_key must be the name of a metadata entry in lower case, such as x-user-id
            problem: keep_old is -1.0 seconds; it takes 0 seconds to 30 days
            > route wide a 6=1 7=1
            a:wide → 6 50 %, 7 50 %
            > plan a 8 label=wide
            from 0 to 8, loads: true, needs 1000 of -1
            problem: label wide shares its calls among versions 6, 7; point it at one of them first, with `martlet models label`
            > unload a/8
            a/8 unwanted by request
            > plan a 8
            from 7 to 8, loads: true, needs 1000 of -1
            7=9000 8=1000
            8=10000
            problem: version 8 was unloaded by request; load it again first (LoadModel, LoadVersion)
            > start a 8
            FAILED_PRECONDITION: version 8 was unloaded by request; load it again first (LoadModel, LoadVersion)
            """, RolloutConfiguration(models: ["a": ModelPolicy(selection: .specific([6, 7]))]))
    }

    @Test("shows each stage, the memory it needs and the memory there is")
    func stages() async throws {
        try await check(
            """
            > size a/8 700
            > aspire a/7 a/8
            a/7 discovered
            a/8 discovered
            a/7 verifying
            a/7 loading
            a/7 warming
            a/7 ready
            a → 7
            > plan a 8 steps=0.5:1,12.25:1,100:1 shadow=5 key=x-user
            from 7 to 8, loads: true, needs 700 of -1
            7=9950 8=50
            7=8775 8=1225
            8=10000
            > budget 1600
            > plan a 8
            from 7 to 8, loads: true, needs 700 of 600
            7=9000 8=1000
            8=10000
            problem: version 8 does not fit: it needs 700 bytes, and of the memory budget of 1600 bytes (modelMemoryBytesMax) 600 are left: 100 are missing; unload a version, or raise the budget
            > start a 8
            FAILED_PRECONDITION: version 8 does not fit: it needs 700 bytes, and of the memory budget of 1600 bytes (modelMemoryBytesMax) 600 are left: 100 are missing; unload a version, or raise the budget
            > budget 1700
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
            """, RolloutConfiguration(models: ["a": ModelPolicy(selection: .specific([7]))]))
    }
}
