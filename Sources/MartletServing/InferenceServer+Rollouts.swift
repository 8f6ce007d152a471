package import MartletCore
internal import MartletRollout

extension InferenceServer: RolloutHandler {
    package func loadVersion(_ id: VersionID, context: CallContext) async throws(MartletError) -> ModelStatus {
        try RequestCheck(limits: limits).check(id)
        return try await manager.load(version: id, asking: survey.look)
    }

    package func unloadVersion(_ id: VersionID, context: CallContext) async throws(MartletError) {
        try RequestCheck(limits: limits).check(id)
        try await manager.unload(version: id)
    }

    package func clearQuarantine(_ id: VersionID, context: CallContext) async throws(MartletError) {
        try RequestCheck(limits: limits).check(id)
        try await manager.clearQuarantine(id)
    }

    package func setRoute(
        _ route: ModelRoute?, label: String, of name: String, context: CallContext
    ) async throws(MartletError) {
        try RequestCheck(limits: limits).check(ModelReference(name: name))
        try await manager.setRoute(route, label: label, of: name)
    }

    package func routes(named name: String?, context: CallContext) async throws(MartletError) -> [RouteStatus] {
        try checkKnown(name)
        return manager.routeStatuses(named: name)
    }

    package func planRollout(_ spec: RolloutSpec, context: CallContext) async throws(MartletError) -> RolloutPlan {
        try RequestCheck(limits: limits).check(ModelReference(name: spec.model))
        return try await manager.plan(spec)
    }

    package func startRollout(_ spec: RolloutSpec, context: CallContext) async throws(MartletError) -> RolloutStatus {
        try RequestCheck(limits: limits).check(ModelReference(name: spec.model))
        return try await manager.start(spec)
    }

    package func rollouts(named name: String?, context: CallContext) async throws(MartletError) -> [RolloutStatus] {
        try checkKnown(name)
        return manager.rollouts(named: name)
    }

    package func watchRollouts(
        named name: String?, context: CallContext
    ) async throws(MartletError) -> AsyncStream<[RolloutStatus]> {
        if let name { try RequestCheck(limits: limits).check(ModelReference(name: name)) }
        return manager.watchRollouts(named: name)
    }

    package func promoteRollout(
        label: String, of name: String, context: CallContext
    ) async throws(MartletError) -> RolloutStatus {
        try RequestCheck(limits: limits).check(ModelReference(name: name))
        return try await manager.promote(label: label, of: name)
    }

    package func rollback(
        label: String, of name: String, reason: String, context: CallContext
    ) async throws(MartletError) -> RolloutStatus {
        try RequestCheck(limits: limits).check(ModelReference(name: name))
        return try await manager.rollback(label: label, of: name, reason: reason)
    }

    package func publish(
        _ parts: any PublishSource, events: any PublishEventSink, context: CallContext
    ) async throws(MartletError) {
        let published = try await uploads.take(parts, events: events)
        // Before the answer: who has it finds the version known, whenever the folder is looked at next.
        do throws(MartletError) {
            try await manager.aspire(asking: survey.look)
        } catch {
            // It exists all the same, and the next look finds it.
            onEvent(.folderFailed(error))
        }
        try await events.send(
            .published(
                ModelIdentity(name: published.id.model, version: published.id.number, digest: published.digest)))
    }

    private func checkKnown(_ name: String?) throws(MartletError) {
        if let name, manager.statuses(named: name).isEmpty { throw Self.unknownName }
    }
}
