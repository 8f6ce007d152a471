/// A guarded rollout as its owner declares it: a new version takes over a route's calls in steps, each of which must
/// hold its rules for a while.
public struct RolloutSpec: Sendable, Hashable, Codable {
    public struct Step: Sendable, Hashable, Codable {
        /// Share of the route's calls, above 0 up to 100.
        public var percent: Double
        /// How long the rules must hold before the next step; of the last one, before the rollout is complete.
        public var bake: Duration

        public init(percent: Double, bake: Duration) {
            self.percent = percent
            self.bake = bake
        }
    }

    /// What ends the rollout when it is broken; nil: not looked at.
    public struct Rules: Sendable, Hashable, Codable {
        /// Largest share of the new version's calls that may fail through the server's fault, 0 to 1.
        public var errorRateMax: Double?
        /// Largest ratio of the 99th percentile of call times, new over old; at least 1.
        public var p99RatioMax: Double?
        /// Largest share of texts on which the shadow's first label may differ from the caller's, 0 to 1. Needs a
        /// shadow.
        public var disagreementMax: Double?
        /// Calls, or compared texts, below which a rule says nothing.
        public var callsMin: Int
        /// How far back a rule looks.
        public var window: Duration

        public init(
            errorRateMax: Double? = 0.01, p99RatioMax: Double? = nil, disagreementMax: Double? = nil,
            callsMin: Int = 100, window: Duration = .seconds(30)
        ) {
            self.errorRateMax = errorRateMax
            self.p99RatioMax = p99RatioMax
            self.disagreementMax = disagreementMax
            self.callsMin = callsMin
            self.window = window
        }
    }

    public static let defaultSteps = [
        Step(percent: 1, bake: .seconds(600)), Step(percent: 10, bake: .seconds(600)),
        Step(percent: 50, bake: .seconds(600)), Step(percent: 100, bake: .seconds(600)),
    ]

    /// Steps of one rollout at most.
    package static let stepsMax = 32

    public var model: String
    /// The route whose calls move; `latest` for those that name the model alone.
    public var label: String
    /// The new version.
    public var version: Int
    /// Rising shares, 1 to `stepsMax` of them, the last 100.
    public var steps: [Step]
    /// Share of the calls that the new version answers as a shadow: before the first step for that step's bake time,
    /// and through the steps. 0: no shadow.
    public var shadowPercent: Double
    public var stickyKey: String
    public var rules: Rules
    /// How long the old version stays in memory once the new one has all calls: a rollback is at once until then.
    public var keepOld: Duration

    public init(
        model: String, label: String = "latest", version: Int, steps: [Step] = defaultSteps, shadowPercent: Double = 0,
        stickyKey: String = "", rules: Rules = Rules(), keepOld: Duration = .seconds(3_600)
    ) {
        self.model = model
        self.label = label
        self.version = version
        self.steps = steps
        self.shadowPercent = shadowPercent
        self.stickyKey = stickyKey
        self.rules = rules
        self.keepOld = keepOld
    }
}

/// What starting a rollout would do. Starting it changes nothing that this does not tell.
public struct RolloutPlan: Sendable, Hashable {
    /// The version that has the calls now.
    public var from: Int
    public var to: Int
    /// The route as it is, nil when the label has none, and as each step makes it.
    public var current: ModelRoute?
    public var stages: [ModelRoute]
    /// True when the new version must be loaded first.
    public var loads: Bool
    /// Bytes that loading needs, and that the budget has left; -1 for a budget without a limit.
    public var memoryNeeded: Int
    public var memoryLeft: Int
    /// Why it cannot start, each with the way out; empty when it can.
    public var problems: [String]

    public init(
        from: Int, to: Int, current: ModelRoute? = nil, stages: [ModelRoute] = [], loads: Bool = false,
        memoryNeeded: Int = 0, memoryLeft: Int = -1, problems: [String] = []
    ) {
        self.from = from
        self.to = to
        self.current = current
        self.stages = stages
        self.loads = loads
        self.memoryNeeded = memoryNeeded
        self.memoryLeft = memoryLeft
        self.problems = problems
    }
}

/// How far a rollout is.
public struct RolloutStatus: Sendable, Hashable {
    public enum Phase: String, Sendable, Codable, CaseIterable {
        /// The new version is on its way into memory.
        case loading
        /// It answers copies only.
        case shadowing
        /// It has the share of the calls that `percent` says.
        case baking
        /// It has all calls.
        case completed
        /// The old version has all calls again; `reason` says why.
        case rolledBack
        /// The new version could not be loaded; or a rule broke while the old version was not ready to go back to, and
        /// the new one goes on answering. `reason` says which.
        case failed

        public var isOver: Bool { self == .completed || self == .rolledBack || self == .failed }
    }

    /// A rule as it was last looked at.
    public struct Observation: Sendable, Hashable {
        /// `error_rate`, `p99_ratio` or `disagreement`.
        public var rule: String
        public var value: Double
        public var limit: Double
        /// Calls or texts that the value is of.
        public var count: Int
        public var isBroken: Bool

        public init(rule: String, value: Double, limit: Double, count: Int, isBroken: Bool) {
            self.rule = rule
            self.value = value
            self.limit = limit
            self.count = count
            self.isBroken = isBroken
        }
    }

    public var spec: RolloutSpec
    public var from: Int
    public var phase: Phase
    /// Place in `spec.steps`; -1 before the first.
    public var step: Int
    /// Share of the calls that the new version has now.
    public var percent: Double
    /// Until the next step at the earliest; zero when it is over.
    public var remaining: Duration
    /// Why it was rolled back or failed; empty otherwise.
    public var reason: String
    public var observations: [Observation]

    public init(
        spec: RolloutSpec, from: Int, phase: Phase, step: Int = -1, percent: Double = 0, remaining: Duration = .zero,
        reason: String = "", observations: [Observation] = []
    ) {
        self.spec = spec
        self.from = from
        self.phase = phase
        self.step = step
        self.percent = percent
        self.remaining = remaining
        self.reason = reason
        self.observations = observations
    }
}
