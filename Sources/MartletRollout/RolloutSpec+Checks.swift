internal import MartletCore

extension RolloutSpec {
    static let bakeMax = Duration.seconds(30 * 24 * 3_600)
    static let windowBounds = Duration.seconds(1)...Duration.seconds(3_600)
    /// Weights of a rollout's route: hundredths of a percent.
    static let weightOfAll = 10_000

    /// What is wrong with it whatever is loaded, each with the way out; empty when nothing is.
    var problems: [String] {
        var problems: [String] = []
        func require(_ holds: Bool, _ problem: @autoclosure () -> String) {
            if !holds { problems.append(problem()) }
        }
        require(VersionID.isValidModelName(model), "model is not the name of a model")
        require(
            VersionID.isValidModelName(label),
            "label is not a label: 1 to 128 of A-Z a-z 0-9 . _ -, the first a letter or a digit")
        require(version >= 1, "version is \(version); versions are positive")
        require(
            (1...Self.stepsMax).contains(steps.count),
            "steps has \(steps.count) entries; it takes 1 to \(Self.stepsMax)")
        for (place, step) in steps.prefix(Self.stepsMax).enumerated() {
            require(
                step.percent >= 0.01 && step.percent <= 100,
                "steps[\(place)].percent is \(step.percent), not 0.01 to 100")
            require(
                step.bake >= .zero && step.bake <= Self.bakeMax,
                "steps[\(place)].bake is \(step.bake); it takes 0 seconds to 30 days")
        }
        if problems.isEmpty {
            require(
                zip(steps, steps.dropFirst()).allSatisfy { $0.newWeight < $1.newWeight },
                "steps must rise, each by 0.01 percent at least")
            require(
                steps.last?.newWeight == Self.weightOfAll,
                "the last step is \((steps.last?.percent ?? 0).inWords) percent; it must be 100, so that the new "
                    + "version has all calls")
        }
        require(shadowPercent >= 0 && shadowPercent <= 100, "shadow_percent is \(shadowPercent), not 0 to 100")
        if let problem = RouteCheck.problem(ofStickyKey: stickyKey) { problems.append(problem) }
        require(
            keepOld >= .zero && keepOld <= Self.bakeMax, "keep_old is \(keepOld); it takes 0 seconds to 30 days")
        return problems + rules.problems + problemsOfRulesWithoutShadow
    }

    private var problemsOfRulesWithoutShadow: [String] {
        guard rules.disagreementMax != nil, shadowPercent == 0 else { return [] }
        return ["rules.disagreement_max needs a shadow to compare with; set shadow_percent above 0, or leave it out"]
    }
}

extension RolloutSpec.Step {
    /// Of `RolloutSpec.weightOfAll`; 0 for a percentage that is none.
    var newWeight: Int {
        percent > 0 && percent <= 100 ? Int((percent * Double(RolloutSpec.weightOfAll) / 100).rounded()) : 0
    }
}

extension RolloutSpec.Rules {
    var problems: [String] {
        var problems: [String] = []
        func require(_ holds: Bool, _ problem: @autoclosure () -> String) {
            if !holds { problems.append(problem()) }
        }
        if let rate = errorRateMax {
            require(rate >= 0 && rate <= 1, "rules.error_rate_max is \(rate), not 0 to 1")
        }
        if let ratio = p99RatioMax {
            require(ratio >= 1 && ratio.isFinite, "rules.p99_ratio_max is \(ratio); it must be at least 1")
        }
        if let share = disagreementMax {
            require(share >= 0 && share <= 1, "rules.disagreement_max is \(share), not 0 to 1")
        }
        require(callsMin >= 1, "rules.calls_min is \(callsMin); it must be at least 1")
        require(
            RolloutSpec.windowBounds.contains(window), "rules.window is \(window); it takes 1 second to 1 hour")
        return problems
    }
}

extension Double {
    /// With four digits after the point at most, without those that say nothing: `0.0312`, `10`.
    var inWords: String {
        guard isFinite, abs(self) < 1e12 else { return "\(self)" }
        let rounded = (self * 10_000).rounded() / 10_000
        return rounded == rounded.rounded() ? "\(Int(rounded))" : "\(rounded)"
    }
}
