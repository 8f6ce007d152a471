import MartletCore

extension AnswerJSON {
    struct Route: Encodable {
        struct Target: Encodable {
            var version: Int
            var weight: Int
        }

        struct Shadow: Encodable {
            var version: Int
            var percent: Double
        }

        var targets: [Target]
        var stickyKey: String
        var shadow: Shadow?

        init(_ route: ModelRoute) {
            targets = route.targets.map { Target(version: $0.version, weight: $0.weight) }
            stickyKey = route.stickyKey
            shadow = route.shadow.map { Shadow(version: $0.version, percent: $0.percent) }
        }
    }

    struct Comparison: Encodable {
        var version: Int
        var texts: Int
        var agreed: Int
        var failures: Int
        var skipped: Int
        var driftBounds: [Double]
        var drift: [Int]
        var driftMax: Double
        var callerP50Us: UInt64
        var callerP99Us: UInt64
        var shadowP50Us: UInt64
        var shadowP99Us: UInt64

        init(_ comparison: ShadowComparison) {
            version = comparison.version
            texts = comparison.texts
            agreed = comparison.agreed
            failures = comparison.failures
            skipped = comparison.skipped
            driftBounds = ShadowComparison.driftBounds
            drift = comparison.drift
            driftMax = comparison.driftMax
            callerP50Us = comparison.callerP50.wholeMicroseconds
            callerP99Us = comparison.callerP99.wholeMicroseconds
            shadowP50Us = comparison.shadowP50.wholeMicroseconds
            shadowP99Us = comparison.shadowP99.wholeMicroseconds
        }
    }

    struct RouteState: Encodable {
        var name: String
        var label: String
        var route: Route
        var comparison: Comparison?

        init(_ status: RouteStatus) {
            name = status.name
            label = status.label
            route = Route(status.route)
            comparison = status.comparison.map(Comparison.init)
        }
    }

    struct Plan: Encodable {
        var from: Int
        var to: Int
        var current: Route?
        var stages: [Route]
        var loads: Bool
        var memoryNeeded: Int
        var memoryLeft: Int
        var problems: [String]

        init(_ plan: RolloutPlan) {
            from = plan.from
            to = plan.to
            current = plan.current.map(Route.init)
            stages = plan.stages.map(Route.init)
            loads = plan.loads
            memoryNeeded = plan.memoryNeeded
            memoryLeft = plan.memoryLeft
            problems = plan.problems
        }
    }

    struct Observation: Encodable {
        var rule: String
        var value: Double
        var limit: Double
        var count: Int
        var broken: Bool

        init(_ observation: RolloutStatus.Observation) {
            rule = observation.rule
            value = observation.value
            limit = observation.limit
            count = observation.count
            broken = observation.isBroken
        }
    }

    struct Rollout: Encodable {
        var model: String
        var label: String
        var from: Int
        var to: Int
        var phase: String
        var step: Int
        var steps: Int
        var percent: Double
        var remainingMs: UInt64
        var reason: String
        var observations: [Observation]

        init(_ status: RolloutStatus) {
            model = status.spec.model
            label = status.spec.label
            from = status.from
            to = status.spec.version
            phase = status.phase.snakeCased
            step = status.step
            steps = status.spec.steps.count
            percent = status.percent
            remainingMs = status.remaining.wholeMilliseconds
            reason = status.reason
            observations = status.observations.map(Observation.init)
        }
    }
}

extension RolloutStatus.Phase {
    /// As programs read it, such as `rolled_back`.
    var snakeCased: String { self == .rolledBack ? "rolled_back" : rawValue }
}
