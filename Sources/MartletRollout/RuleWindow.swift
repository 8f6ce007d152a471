internal import MartletCore

/// What a rollout's rules say of the calls of the last while.
///
/// Keeps figures in at most 30 stretches, so that an hour takes no more memory than half a minute.
struct RuleWindow: Sendable {
    /// What happened in a stretch of time.
    struct Sample: Sendable {
        var old = CallFigures()
        var new = CallFigures()
        /// Texts that the shadow answered too, and on how many the answers agree.
        var texts = 0
        var agreed = 0

        mutating func add(_ other: Sample) {
            old.add(other.old)
            new.add(other.new)
            texts += other.texts
            agreed += other.agreed
        }
    }

    private static let stretchesMax = 30
    private let rules: RolloutSpec.Rules
    private let stretch: Duration
    private var samples: [(start: Duration, sample: Sample)] = []

    init(_ rules: RolloutSpec.Rules) {
        self.rules = rules
        stretch = max(.seconds(1), rules.window / Self.stretchesMax)
    }

    mutating func add(_ sample: Sample, at now: Duration) {
        samples.removeAll { $0.start + stretch <= now - rules.window }
        if let last = samples.last, now - last.start < stretch {
            samples[samples.count - 1].sample.add(sample)
        } else {
            samples.append((now, sample))
        }
    }

    /// Each rule that is set, in the order in which `RolloutSpec.Rules` names them.
    var observations: [RolloutStatus.Observation] {
        var sum = Sample()
        for (_, sample) in samples { sum.add(sample) }
        var observations: [RolloutStatus.Observation] = []
        func observe(_ rule: String, _ limit: Double?, of count: Int, _ value: () -> Double) {
            guard let limit else { return }
            let value = count > 0 ? value() : 0
            observations.append(
                RolloutStatus.Observation(
                    rule: rule, value: value, limit: limit, count: count,
                    isBroken: count >= rules.callsMin && value > limit))
        }
        observe("error_rate", rules.errorRateMax, of: sum.new.calls) {
            Double(sum.new.failures) / Double(sum.new.calls)
        }
        // Few calls on either side say nothing about one in a hundred.
        observe("p99_ratio", rules.p99RatioMax, of: min(sum.old.answered, sum.new.answered)) {
            // Times are whole microseconds; below one there is nothing to divide by.
            let old = max(1, sum.old.time(atPercentile: 99).wholeMicroseconds)
            return Double(sum.new.time(atPercentile: 99).wholeMicroseconds) / Double(old)
        }
        observe("disagreement", rules.disagreementMax, of: sum.texts) {
            Double(sum.texts - sum.agreed) / Double(sum.texts)
        }
        return observations
    }
}

extension RolloutStatus.Observation {
    /// As the reason of a rollback.
    var inWords: String {
        let what =
            switch rule {
            case "error_rate": "of \(count) calls the share that failed is"
            case "p99_ratio": "over \(count) calls the ratio of the 99th percentiles is"
            default: "of \(count) texts the share on which the answers differ is"
            }
        return "\(rule): \(what) \(value.inWords), and \(limit.inWords) is the limit"
    }
}
