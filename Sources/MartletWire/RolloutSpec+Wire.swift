internal import CMartletProtos
internal import MartletCore

extension RolloutSpec {
    /// Longest time a rollout may be told to wait or to look back: what is added to it stays in range everywhere.
    private static let timeMillisecondsMax: UInt64 = 366 * 24 * 3_600 * 1_000

    /// What was not set has the defaults of `RolloutSpec`, as the proto says.
    /// - Parameter prefix: where the spec stands in its message, such as `rollouts[2].spec.`.
    init(_ spec: Martlet__V1__RolloutSpec, _ prefix: @autoclosure () -> String) throws(MartletError) {
        let elements = CField.elements(spec.n_steps, spec.steps)
        guard elements.count <= Self.stepsMax else {
            throw MartletError(
                .invalidArgument,
                "\(prefix())steps has \(elements.count) elements, above the limit of \(Self.stepsMax)")
        }
        var steps: [Step] = []
        for (index, element) in elements.enumerated() {
            guard let element = element?.pointee else { continue }
            steps.append(
                Step(
                    percent: try CField.number(element.percent, in: 0...100, "\(prefix())steps[\(index)].percent"),
                    bake: try Self.time(element.bake_ms, "\(prefix())steps[\(index)].bake_ms")))
        }
        let label = try CField.text(spec.label, "\(prefix())label")
        self.init(
            model: try CField.text(spec.model, "\(prefix())model"), label: label.isEmpty ? "latest" : label,
            version: Int(spec.version), steps: steps.isEmpty ? Self.defaultSteps : steps,
            shadowPercent: try CField.number(spec.shadow_percent, in: 0...100, "\(prefix())shadow_percent"),
            stickyKey: try CField.text(spec.sticky_key, "\(prefix())sticky_key"))
        if let rules = spec.rules?.pointee { self.rules = try Rules(rules, "\(prefix())rules.") }
        if spec.keep_old_case == MARTLET__V1__ROLLOUT_SPEC__KEEP_OLD_KEEP_OLD_MS {
            keepOld = try Self.time(spec.keep_old_ms, "\(prefix())keep_old_ms")
        }
    }

    func build(in arena: Arena) -> UnsafeMutablePointer<Martlet__V1__RolloutSpec> {
        let spec = arena.make(martlet__v1__rollout_spec__init)
        spec.pointee.model = arena.copy(model)
        spec.pointee.label = arena.copy(label)
        spec.pointee.version = UInt32(clamping: version)
        spec.pointee.n_steps = steps.count
        spec.pointee.steps = arena.list(steps) { step in
            let element = arena.make(martlet__v1__rollout_step__init)
            element.pointee.percent = step.percent
            element.pointee.bake_ms = step.bake.wholeMilliseconds
            return element
        }
        spec.pointee.shadow_percent = shadowPercent
        spec.pointee.sticky_key = arena.copy(stickyKey)
        spec.pointee.rules = rules.build(in: arena)
        spec.pointee.keep_old_case = MARTLET__V1__ROLLOUT_SPEC__KEEP_OLD_KEEP_OLD_MS
        spec.pointee.keep_old_ms = keepOld.wholeMilliseconds
        return spec
    }

    /// - Throws: `.invalidArgument` naming the field for more than a year.
    static func time(_ milliseconds: UInt64, _ field: @autoclosure () -> String) throws(MartletError) -> Duration {
        guard milliseconds <= timeMillisecondsMax else {
            throw MartletError(
                .invalidArgument,
                "\(field()) is \(milliseconds), above the limit of \(timeMillisecondsMax), which is 366 days")
        }
        return .milliseconds(Int64(milliseconds))
    }
}

extension RolloutSpec.Rules {
    /// A rule that was not set is not looked at.
    fileprivate init(_ rules: Martlet__V1__RolloutRules, _ prefix: @autoclosure () -> String) throws(MartletError) {
        self.init(errorRateMax: nil)
        if rules.error_rate_case == MARTLET__V1__ROLLOUT_RULES__ERROR_RATE_ERROR_RATE_MAX {
            errorRateMax = try CField.number(rules.error_rate_max, in: 0...1, "\(prefix())error_rate_max")
        }
        if rules.p99_ratio_case == MARTLET__V1__ROLLOUT_RULES__P99_RATIO_P99_RATIO_MAX {
            p99RatioMax = try CField.number(
                rules.p99_ratio_max, in: 0...Double.greatestFiniteMagnitude, "\(prefix())p99_ratio_max")
        }
        if rules.disagreement_case == MARTLET__V1__ROLLOUT_RULES__DISAGREEMENT_DISAGREEMENT_MAX {
            disagreementMax = try CField.number(rules.disagreement_max, in: 0...1, "\(prefix())disagreement_max")
        }
        if rules.calls_min != 0 { callsMin = try CField.integer(rules.calls_min, "\(prefix())calls_min") }
        if rules.window_ms != 0 { window = try RolloutSpec.time(rules.window_ms, "\(prefix())window_ms") }
    }

    fileprivate func build(in arena: Arena) -> UnsafeMutablePointer<Martlet__V1__RolloutRules> {
        let rules = arena.make(martlet__v1__rollout_rules__init)
        if let errorRateMax {
            rules.pointee.error_rate_case = MARTLET__V1__ROLLOUT_RULES__ERROR_RATE_ERROR_RATE_MAX
            rules.pointee.error_rate_max = errorRateMax
        }
        if let p99RatioMax {
            rules.pointee.p99_ratio_case = MARTLET__V1__ROLLOUT_RULES__P99_RATIO_P99_RATIO_MAX
            rules.pointee.p99_ratio_max = p99RatioMax
        }
        if let disagreementMax {
            rules.pointee.disagreement_case = MARTLET__V1__ROLLOUT_RULES__DISAGREEMENT_DISAGREEMENT_MAX
            rules.pointee.disagreement_max = disagreementMax
        }
        rules.pointee.calls_min = UInt64(clamping: callsMin)
        rules.pointee.window_ms = window.wholeMilliseconds
        return rules
    }
}
