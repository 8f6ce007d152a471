import MartletCore

/// Rollouts as people read them.
package enum RolloutText {
    // MARK: Plans

    /// What would change, as a diff of the route: what is there with `-`, each stage with `+`.
    package static func plan(_ plan: RolloutPlan, of spec: RolloutSpec, output: Output? = nil) -> [String] {
        func styled(_ text: String, _ style: Output.Style) -> String { output?.styled(text, style) ?? text }
        var table = Table([("", .left), ("", .left), ("", .left)])
        table.append(["- now", plan.current.map(route) ?? "100 % \(plan.from) (the highest ready version)", ""])
        if spec.shadowPercent > 0, let first = spec.steps.first {
            var shadowed = plan.current ?? ModelRoute(to: plan.from)
            shadowed.shadow = ModelRoute.Shadow(version: plan.to, percent: spec.shadowPercent)
            table.append(["+ shadow", route(shadowed), "for \(time(first.bake))"])
        }
        for (index, (stage, step)) in zip(plan.stages, spec.steps).enumerated() {
            table.append(["+ step \(index + 1)", route(stage), "for \(time(step.bake))"])
        }
        var lines = [styled("\(name(spec)) goes from version \(plan.from) to version \(plan.to)", .bold)]
        lines += table.lines().map { $0.hasPrefix("-") ? styled($0, .red) : styled($0, .green) }
        lines.append(
            plan.loads
                ? "  version \(plan.to) is loaded first: \(Quantity.bytes(plan.memoryNeeded))"
                    + (plan.memoryLeft < 0 ? "" : " of the \(Quantity.bytes(plan.memoryLeft)) that are left")
                : "  version \(plan.to) is in memory already")
        lines.append("  back to \(plan.from) when \(rules(spec.rules))")
        lines.append("  version \(plan.from) stays in memory for \(time(spec.keepOld)) afterwards")
        lines += plan.problems.map { styled("✗ ", .boldRed) + $0 }
        if plan.problems.isEmpty { lines.append(styled("✓ ", .boldGreen) + "the rollout can start") }
        return lines
    }

    /// `90 % 7, 10 % 8 by user; 5 % also to 9`.
    package static func route(_ route: ModelRoute) -> String {
        let sum = route.targets.reduce(0.0) { $0 + Double($1.weight) }
        var text = route.targets.filter { $0.weight > 0 }.map { target in
            "\(share(sum > 0 ? Double(target.weight) / sum : 0)) \(target.version)"
        }.joined(separator: ", ")
        if !route.stickyKey.isEmpty { text += " by \(Excerpt.oneLine(route.stickyKey))" }
        if let shadow = route.shadow { text += "; \(share(shadow.percent / 100)) also to \(shadow.version)" }
        return text
    }

    private static func rules(_ rules: RolloutSpec.Rules) -> String {
        let limits = [
            rules.errorRateMax.map { "more than \(share($0)) of its calls fail" },
            rules.p99RatioMax.map { "its slowest calls take \(number($0)) times as long" },
            rules.disagreementMax.map { "its labels differ on more than \(share($0)) of the texts" },
        ].compactMap { $0 }
        guard !limits.isEmpty else { return "'martlet rollout rollback' says so: no rule is set" }
        return limits.joined(separator: ", or ")
            + " (of at least \(Quantity.count(rules.callsMin)) calls in \(time(rules.window)))"
    }

    // MARK: Statuses

    /// One line: what a change is, and what a log of changes is made of.
    package static func line(_ status: RolloutStatus) -> String {
        let versions = "\(name(status.spec)) \(status.from) → \(status.spec.version)"
        switch status.phase {
        case .loading: return "\(versions)  loading version \(status.spec.version)"
        case .shadowing: return "\(versions)  shadow: copies of \(share(status.spec.shadowPercent / 100)) of the calls"
        case .baking:
            return "\(versions)  step \(status.step + 1) of \(status.spec.steps.count): \(share(status.percent / 100))"
        case .completed: return "\(versions)  completed: version \(status.spec.version) has all calls"
        case .rolledBack: return "\(versions)  rolled back: \(status.reason)"
        case .failed: return "\(versions)  failed: \(status.reason)"
        }
    }

    /// What follows the line while it goes on: time left, and each rule as it was last looked at.
    package static func progress(_ status: RolloutStatus) -> String {
        guard !status.phase.isOver else { return "" }
        var parts: [String] = []
        if status.phase != .loading { parts.append("\(time(status.remaining)) left") }
        parts += status.observations.map(observation)
        return parts.joined(separator: "  ")
    }

    /// The live line of `watch`: where it is, a bar of the share, what is left.
    package static func live(_ status: RolloutStatus) -> String {
        "\(line(status))  \(ProgressLine.bar(status.percent / 100, width: 16))  \(progress(status))"
    }

    package static func observation(_ one: RolloutStatus.Observation) -> String {
        let isRatio = one.rule == "p99_ratio"
        func value(_ value: Double) -> String { isRatio ? "\(number(value))×" : share(value) }
        let mark = one.isBroken ? " ✗" : ""
        return "\(one.rule.replacing("_", with: " ")) \(value(one.value)) of \(value(one.limit))\(mark)"
    }

    /// False while `other` says the same but for figures that move by themselves.
    package static func isChange(_ status: RolloutStatus, after other: RolloutStatus?) -> Bool {
        guard let other else { return true }
        return status.phase != other.phase || status.step != other.step || status.percent != other.percent
            || status.spec != other.spec || status.from != other.from || status.reason != other.reason
    }

    package static func table(_ statuses: [RolloutStatus], output: Output? = nil) -> [String] {
        var table = Table([
            ("route", .left), ("from", .right), ("to", .right), ("state", .left), ("calls", .right), ("left", .left),
            ("rules", .left),
        ])
        for status in statuses {
            let state =
                status.phase == .baking
                ? "step \(status.step + 1) of \(status.spec.steps.count)" : words(status.phase)
            table.append([
                name(status.spec), String(status.from), String(status.spec.version), state,
                share(status.percent / 100), status.phase.isOver ? "" : time(status.remaining),
                status.observations.map(observation).joined(separator: "  "),
            ])
        }
        let reasons = statuses.filter { !$0.reason.isEmpty }.map { status in
            let head = "\(name(status.spec)) \(words(status.phase)): "
            return (output?.styled(head, .yellow) ?? head) + status.reason
        }
        return table.lines(for: output) + reasons
    }

    // MARK: Parts

    package static func words(_ phase: RolloutStatus.Phase) -> String {
        switch phase {
        case .rolledBack: "rolled back"
        default: phase.rawValue
        }
    }

    static func name(_ spec: RolloutSpec) -> String { "\(spec.model):\(spec.label)" }

    /// Small shares matter here: 0.05 % is not 0.1 %.
    static func share(_ fraction: Double) -> String {
        guard fraction.isFinite else { return "?" }
        let percent = fraction * 100
        return percent > 0 && percent < 1 ? "\(number(percent)) %" : Quantity.percent(fraction)
    }

    private static func number(_ value: Double) -> String {
        var text = Quantity.fixed(value, 2)
        while text.contains("."), text.hasSuffix("0") { text.removeLast() }
        if text.hasSuffix(".") { text.removeLast() }
        return text
    }

    /// Whole units where they fit: `10 min`, `1 h`, `1 h 30 min`.
    static func time(_ duration: Duration) -> String {
        let seconds = Int(clamping: duration.wholeMilliseconds / 1_000)
        guard seconds >= 60 else {
            return duration == .seconds(seconds) ? "\(seconds) s" : Quantity.time(duration)
        }
        let parts = [
            (seconds / 86_400, "d"), (seconds / 3_600 % 24, "h"), (seconds / 60 % 60, "min"), (seconds % 60, "s"),
        ].filter { $0.0 > 0 }
        return parts.prefix(2).map { "\($0.0) \($0.1)" }.joined(separator: " ")
    }
}
