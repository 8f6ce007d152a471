import MartletCore
import MartletWire

/// Of the calls of `RolloutService`.
extension Samples {
    static let versionID = VersionID(model: "guard", number: 8)
    static let route = ModelRoute(
        targets: [ModelRoute.Target(version: 7, weight: 90), ModelRoute.Target(version: 8, weight: 10)],
        stickyKey: "user", shadow: ModelRoute.Shadow(version: 9, percent: 12.5))
    static let plainRoute = ModelRoute(to: 7)
    static let comparison = ShadowComparison(
        version: 9, texts: 1_000, agreed: 990, failures: 2, skipped: 3, drift: [900, 50, 20, 10, 8, 6, 3, 2, 1],
        driftMax: 0.625, callerP50: .microseconds(1_200), callerP99: .microseconds(9_000),
        shadowP50: .microseconds(1_300), shadowP99: .microseconds(9_900))
    static let routeStatus = RouteStatus(name: "guard", label: "stable", route: route, comparison: comparison)

    static let spec = RolloutSpec(
        model: "guard", label: "stable", version: 8,
        steps: [
            RolloutSpec.Step(percent: 0.5, bake: .milliseconds(1_500)),
            RolloutSpec.Step(percent: 100, bake: .seconds(600)),
        ],
        shadowPercent: 12.5, stickyKey: "user",
        rules: RolloutSpec.Rules(
            errorRateMax: 0.25, p99RatioMax: 1.5, disagreementMax: 0.125, callsMin: 50, window: .seconds(10)),
        keepOld: .zero)
    static let plan = RolloutPlan(
        from: 7, to: 8, current: plainRoute, stages: [route, ModelRoute(to: 8)], loads: true,
        memoryNeeded: 23 << 20, memoryLeft: -1, problems: ["version 8 is quarantined", "Grüße 🦜"])
    static let rolloutStatus = RolloutStatus(
        spec: spec, from: 7, phase: .rolledBack, step: -1, percent: 0.5, remaining: .milliseconds(250),
        reason: "error_rate is 0.5, above 0.25",
        observations: [
            RolloutStatus.Observation(rule: "error_rate", value: 0.5, limit: 0.25, count: 200, isBroken: true),
            RolloutStatus.Observation(rule: "p99_ratio", value: 1.25, limit: 1.5, count: 200, isBroken: false),
        ])

    static let begin = PublishPart.begin(manifest: Array(#"{"format":1}"#.utf8), signature: [1, 2])
    static let part = PublishPart.bytes(file: "weights.martlet", offset: 1 << 33, bytes: [0, 1, 0xFF])
    static let held = PublishEvent.held([
        PublishEvent.HeldFile(name: "weights.martlet", bytes: 1 << 33),
        PublishEvent.HeldFile(name: "tokenizer.json", bytes: 0),
    ])
}
