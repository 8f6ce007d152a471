import MartletCore

/// Answers a model's owner as a test says; what commands make of it is what is tested.
struct ScriptedRollouts: RolloutHandler {
    var plan = RolloutPlan(
        from: 1, to: 2, current: ModelRoute(to: 1),
        stages: [ModelRoute(targets: [.init(version: 1, weight: 99), .init(version: 2, weight: 1)]), ModelRoute(to: 2)])
    /// What a watch tells, one after the other.
    var watched: [RolloutStatus] = []

    static let spec = RolloutSpec(
        model: "tiny", version: 2,
        steps: [.init(percent: 1, bake: .seconds(60)), .init(percent: 100, bake: .seconds(60))])

    static func status(
        _ phase: RolloutStatus.Phase, step: Int = -1, percent: Double = 0, reason: String = ""
    ) -> RolloutStatus {
        RolloutStatus(
            spec: spec, from: 1, phase: phase, step: step, percent: percent, remaining: .seconds(30), reason: reason)
    }

    func loadVersion(_ id: VersionID, context: CallContext) async throws(MartletError) -> ModelStatus {
        guard id.number == 2 else { throw MartletError(.notFound, "there is no folder of \(id)") }
        return ModelStatus(name: id.model, version: id.number, state: .ready)
    }

    func unloadVersion(_ id: VersionID, context: CallContext) async throws(MartletError) {
        throw MartletError(.failedPrecondition, "\(id) is needed by the route latest")
    }

    func clearQuarantine(_ id: VersionID, context: CallContext) async throws(MartletError) {}

    func setRoute(
        _ route: ModelRoute?, label: String, of name: String, context: CallContext
    ) async throws(MartletError) {}

    func routes(named name: String?, context: CallContext) async throws(MartletError) -> [RouteStatus] {
        [
            RouteStatus(
                name: "tiny", label: "latest",
                route: ModelRoute(targets: [.init(version: 1, weight: 1)], shadow: .init(version: 2, percent: 5)),
                comparison: ShadowComparison(version: 2, texts: 10, agreed: 9))
        ]
    }

    func planRollout(_ spec: RolloutSpec, context: CallContext) async throws(MartletError) -> RolloutPlan { plan }

    func startRollout(_ spec: RolloutSpec, context: CallContext) async throws(MartletError) -> RolloutStatus {
        Self.status(.loading)
    }

    func rollouts(named name: String?, context: CallContext) async throws(MartletError) -> [RolloutStatus] {
        Array(watched.suffix(1))
    }

    func watchRollouts(
        named name: String?, context: CallContext
    ) async throws(MartletError) -> AsyncStream<[RolloutStatus]> {
        AsyncStream { continuation in
            for status in watched { continuation.yield([status]) }
            if watched.isEmpty { continuation.yield([]) }
        }
    }

    func promoteRollout(
        label: String, of name: String, context: CallContext
    ) async throws(MartletError) -> RolloutStatus {
        Self.status(.baking, step: 1, percent: 100)
    }

    func rollback(
        label: String, of name: String, reason: String, context: CallContext
    ) async throws(MartletError) -> RolloutStatus {
        Self.status(.rolledBack, reason: reason)
    }

    func publish(
        _ parts: any PublishSource, events: any PublishEventSink, context: CallContext
    ) async throws(MartletError) {
        var bytes = 0
        while let part = try await parts.next() {
            switch part {
            case .begin: try await events.send(.held([]))
            case .bytes(_, _, let more):
                bytes += more.count
                try await events.send(.received(bytes: bytes))
            }
        }
        try await events.send(.published(ModelIdentity(name: "tiny", version: 1, digest: "abcdef")))
    }
}
