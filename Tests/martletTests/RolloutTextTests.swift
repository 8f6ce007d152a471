import MartletCore
import Testing
import martlet

@Suite("Rollouts and routes as people read them") struct RolloutTextTests {
    private let spec = RolloutSpec(
        model: "guard", version: 8,
        steps: [.init(percent: 0.5, bake: .seconds(90)), .init(percent: 100, bake: .seconds(3_600))],
        shadowPercent: 5, rules: RolloutSpec.Rules(p99RatioMax: 1.5, disagreementMax: 0.02), keepOld: .seconds(5_400))

    private func split(_ new: Int, shadow: Bool = false) -> ModelRoute {
        ModelRoute(
            targets: [.init(version: 7, weight: 1_000 - new), .init(version: 8, weight: new)].filter { $0.weight > 0 },
            shadow: shadow ? .init(version: 8, percent: 5) : nil)
    }

    @Test("a plan is a diff: the route as it is, and each stage")
    func plan() {
        let plan = RolloutPlan(
            from: 7, to: 8, current: ModelRoute(to: 7), stages: [split(5, shadow: true), ModelRoute(to: 8)],
            loads: true, memoryNeeded: 23_000_000, memoryLeft: 512_000_000)
        #expect(
            RolloutText.plan(plan, of: spec) == [
                "guard:latest goes from version 7 to version 8",
                "- now     100 % 7",
                "+ shadow  100 % 7; 5 % also to 8            for 1 min 30 s",
                "+ step 1  99.5 % 7, 0.5 % 8; 5 % also to 8  for 1 min 30 s",
                "+ step 2  100 % 8                           for 1 h",
                "  version 8 is loaded first: 23.0 MB of the 512.0 MB that are left",
                "  back to 7 when more than 1 % of its calls fail, or its slowest calls take 1.5 times as long, or its "
                    + "labels differ on more than 2 % of the texts (of at least 100 calls in 30 s)",
                "  version 7 stays in memory for 1 h 30 min afterwards",
                "✓ the rollout can start",
            ])
    }

    @Test("a plan that cannot start says why, and no more that it can")
    func problems() {
        var quiet = spec
        quiet.rules.errorRateMax = nil
        quiet.rules.p99RatioMax = nil
        quiet.rules.disagreementMax = nil
        quiet.shadowPercent = 0
        let plan = RolloutPlan(from: 7, to: 8, stages: [split(5), ModelRoute(to: 8)], problems: ["version 8 is bad"])
        let lines = RolloutText.plan(plan, of: quiet)
        #expect(lines.contains("- now     100 % 7 (the highest ready version)"))
        #expect(lines.contains("  version 8 is in memory already"))
        #expect(lines.contains("  back to 7 when 'martlet rollout rollback' says so: no rule is set"))
        #expect(lines.last == "✗ version 8 is bad")
    }

    @Test("a status is one line for each phase")
    func lines() {
        var status = RolloutStatus(spec: spec, from: 7, phase: .loading)
        func line(_ phase: RolloutStatus.Phase) -> String {
            status.phase = phase
            return RolloutText.line(status)
        }
        #expect(line(.loading) == "guard:latest 7 → 8  loading version 8")
        #expect(line(.shadowing) == "guard:latest 7 → 8  shadow: copies of 5 % of the calls")
        status.step = 0
        status.percent = 0.5
        #expect(line(.baking) == "guard:latest 7 → 8  step 1 of 2: 0.5 %")
        #expect(line(.completed) == "guard:latest 7 → 8  completed: version 8 has all calls")
        status.reason = "error rate"
        #expect(line(.rolledBack) == "guard:latest 7 → 8  rolled back: error rate")
        #expect(line(.failed) == "guard:latest 7 → 8  failed: error rate")
    }

    @Test("progress shows the time left and each rule beside its limit")
    func progress() {
        let status = RolloutStatus(
            spec: spec, from: 7, phase: .baking, step: 0, percent: 0.5, remaining: .seconds(75),
            observations: [
                .init(rule: "error_rate", value: 0.005, limit: 0.01, count: 200, isBroken: false),
                .init(rule: "p99_ratio", value: 1.75, limit: 1.5, count: 200, isBroken: true),
            ])
        #expect(
            RolloutText.progress(status) == "1 min 15 s left  error rate 0.5 % of 1 %  p99 ratio 1.75× of 1.5× ✗")
        #expect(RolloutText.live(status).contains("step 1 of 2: 0.5 %"))
        var later = status
        later.remaining = .seconds(74)
        later.observations = []
        #expect(!RolloutText.isChange(later, after: status))
        later.percent = 100
        #expect(RolloutText.isChange(later, after: status))
        #expect(RolloutText.isChange(status, after: nil))
    }

    @Test("a table of rollouts, with the reasons below")
    func table() {
        let over = RolloutStatus(
            spec: spec, from: 7, phase: .rolledBack, step: 0, percent: 0, reason: "too many calls failed")
        #expect(
            RolloutText.table([over]) == [
                "route         from  to  state        calls  left  rules",
                "guard:latest     7   8  rolled back    0 %",
                "guard:latest rolled back: too many calls failed",
            ])
    }

    @Test("routes show shares, the sticky key and the shadow")
    func routes() {
        let route = ModelRoute(
            targets: [.init(version: 7, weight: 2), .init(version: 8, weight: 1)], stickyKey: "user",
            shadow: .init(version: 9, percent: 0.05))
        #expect(RolloutText.route(route) == "66.7 % 7, 33.3 % 8 by user; 0.05 % also to 9")
        #expect(
            RouteText.lines([RouteStatus(name: "guard", label: "stable", route: ModelRoute(to: 7))]) == [
                "route         versions", "guard:stable  100 % 7",
            ])
    }

    @Test("a shadow's comparison shows agreement, times and how far scores moved")
    func comparison() {
        let comparison = ShadowComparison(
            version: 9, texts: 1_000, agreed: 990, failures: 2, skipped: 0, drift: [900, 50, 50, 0, 0, 0, 0, 0, 0],
            driftMax: 0.0095, callerP50: .milliseconds(2), callerP99: .milliseconds(9), shadowP50: .milliseconds(3),
            shadowP99: .milliseconds(12))
        let lines = RouteText.comparison("guard:latest", comparison)
        #expect(lines[1] == "guard:latest and its shadow, version 9")
        #expect(lines[2] == "  same label  99 % of 1,000 texts; the shadow failed 2 calls")
        #expect(lines[3] == "  half take   2.0 ms for the caller, 3.0 ms from the shadow")
        #expect(lines[5] == "  scores moved by, at most 0.0095:")
        #expect(lines[6].hasPrefix("    up to 0.0001") && lines[6].hasSuffix(String(repeating: "█", count: 24)))
        #expect(lines.count == 9)
        let none = RouteText.comparison("guard:latest", ShadowComparison(version: 9, skipped: 3))
        #expect(none.last == "  nothing compared yet; 3 copies had no room")
        // Buckets of another version of the server.
        var other = comparison
        other.drift = []
        #expect(RouteText.comparison("guard:latest", other).count == 5)
    }
}
