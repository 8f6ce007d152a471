public import MartletCore
internal import MartletWire

/// What a model's owner asks: single versions, routes, guarded rollouts.
extension MartletClient {
    /// Loads one version whatever the server's policy wants, and keeps it until `unloadVersion`.
    /// - Returns: its state once it is ready.
    /// - Throws: `.notFound` when its folder is not there, `.resourceExhausted` with the missing bytes when the memory
    ///   budget is used up, `.failedPrecondition` with the reason when it was refused.
    public func loadVersion(_ id: VersionID, timeout: Duration? = nil) async throws(MartletError) -> ModelStatus {
        let request = codec.encodeLoadVersionRequest(id)
        return try codec.decodeModelStatus(try await unary(.loadVersion, request, timeout))
    }

    /// Takes one version out of service until `loadVersion`; calls that hold it end first.
    /// - Throws: `.failedPrecondition` while a route or a rollout needs it.
    public func unloadVersion(_ id: VersionID, timeout: Duration? = nil) async throws(MartletError) {
        let request = codec.encodeUnloadVersionRequest(id)
        try codec.decodeUnloadVersionResponse(try await unary(.unloadVersion, request, timeout))
    }

    /// Lets a version that was refused or rolled back be tried again although its bytes are the same.
    public func clearQuarantine(_ id: VersionID, timeout: Duration? = nil) async throws(MartletError) {
        let request = codec.encodeClearQuarantineRequest(id)
        try codec.decodeClearQuarantineResponse(try await unary(.clearQuarantine, request, timeout))
    }

    /// Replaces the route of a label in one step; nil takes it away. `latest` is for calls that name the model alone.
    /// - Throws: `.failedPrecondition` when a version of it is not ready or a rollout owns the route.
    public func setRoute(
        _ route: ModelRoute?, label: String, of name: String, timeout: Duration? = nil
    ) async throws(MartletError) {
        let request = codec.encode(SetRouteRequest(model: name, label: label, route: route))
        try codec.decodeSetRouteResponse(try await unary(.setRoute, request, timeout))
    }

    /// Every route of every model, or of the one named, with what its shadow has shown; sorted by name, then label.
    public func routes(
        named name: String? = nil, timeout: Duration? = nil
    ) async throws(MartletError) -> [RouteStatus] {
        let request = codec.encodeListRoutesRequest(named: name)
        return try codec.decodeListRoutesResponse(try await unary(.listRoutes, request, timeout))
    }

    /// What `startRollout` would do.
    public func planRollout(_ spec: RolloutSpec, timeout: Duration? = nil) async throws(MartletError) -> RolloutPlan {
        try codec.decodeRolloutPlan(try await unary(.planRollout, codec.encode(spec), timeout))
    }

    /// Starts a guarded rollout; `watchRollouts` follows it.
    /// - Throws: `.failedPrecondition` with what the plan calls a problem.
    public func startRollout(
        _ spec: RolloutSpec, timeout: Duration? = nil
    ) async throws(MartletError) -> RolloutStatus {
        try codec.decodeRolloutStatus(try await unary(.startRollout, codec.encode(spec), timeout))
    }

    /// Rollouts that go on, and the last one of each route; sorted by model, then label.
    public func rollouts(
        named name: String? = nil, timeout: Duration? = nil
    ) async throws(MartletError) -> [RolloutStatus] {
        let request = codec.encodeListRolloutsRequest(named: name)
        return try codec.decodeListRolloutsResponse(try await unary(.listRollouts, request, timeout))
    }

    /// What `rollouts` answers, now and after each change. The stream ends with `.unavailable` when the server leaves.
    public func watchRollouts(named name: String? = nil, timeout: Duration? = nil) -> ServerStream<[RolloutStatus]> {
        let codec = codec
        return serverStream(.watchRollouts, codec.encodeListRolloutsRequest(named: name), timeout) {
            (message) throws(MartletError) in
            try codec.decodeListRolloutsResponse(message)
        }
    }

    /// Takes a rollout's next step at once, whatever is left of the bake time.
    public func promoteRollout(
        label: String = "latest", of name: String, timeout: Duration? = nil
    ) async throws(MartletError) -> RolloutStatus {
        let request = codec.encode(PromoteRolloutRequest(model: name, label: label))
        return try codec.decodeRolloutStatus(try await unary(.promoteRollout, request, timeout))
    }

    /// Gives a route's calls back to the version that had them before its last rollout.
    /// - Parameter reason: kept with the rollout, for people.
    public func rollback(
        label: String = "latest", of name: String, reason: String = "", timeout: Duration? = nil
    ) async throws(MartletError) -> RolloutStatus {
        let request = codec.encode(RollbackRequest(model: name, label: label, reason: reason))
        return try codec.decodeRolloutStatus(try await unary(.rollback, request, timeout))
    }
}
