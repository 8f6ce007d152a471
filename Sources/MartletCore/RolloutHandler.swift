/// What a model's owner asks of a server, beside `InferenceHandler`: single versions, routes, rollouts, publishing.
///
/// One implementation in MartletServing, fakes in transport tests. Names and numbers are checked inside.
package protocol RolloutHandler: Sendable {
    /// Loads one version whatever the policy wants, and keeps it until `unloadVersion`. Returns when it is ready.
    /// - Throws: `.notFound` when its folder is not there, `.resourceExhausted` with the missing bytes when the memory
    ///   budget is used up, `.failedPrecondition` with the reason when it was refused.
    func loadVersion(_ id: VersionID, context: CallContext) async throws(MartletError) -> ModelStatus

    /// Takes one version out of service until `loadVersion`; calls that hold it end first.
    /// - Throws: `.failedPrecondition` while a route or a rollout needs it.
    func unloadVersion(_ id: VersionID, context: CallContext) async throws(MartletError)

    /// Lets a version that was refused, or rolled back, be tried again although its bytes are the same.
    func clearQuarantine(_ id: VersionID, context: CallContext) async throws(MartletError)

    /// Replaces the route of a label in one step; nil takes it away.
    /// - Throws: `.failedPrecondition` when a version of it is not ready or a rollout owns the route.
    func setRoute(
        _ route: ModelRoute?, label: String, of name: String, context: CallContext
    ) async throws(MartletError)

    /// Every route of every model, or of the one named; sorted by name, then label.
    func routes(named name: String?, context: CallContext) async throws(MartletError) -> [RouteStatus]

    func planRollout(_ spec: RolloutSpec, context: CallContext) async throws(MartletError) -> RolloutPlan

    /// - Throws: `.failedPrecondition` with what the plan calls a problem.
    func startRollout(_ spec: RolloutSpec, context: CallContext) async throws(MartletError) -> RolloutStatus

    /// Rollouts that go on, and the last one of each route; sorted by model, then label.
    func rollouts(named name: String?, context: CallContext) async throws(MartletError) -> [RolloutStatus]

    /// What `rollouts` answers, now and after each change, at most once a second while figures alone change.
    func watchRollouts(
        named name: String?, context: CallContext
    ) async throws(MartletError) -> AsyncStream<[RolloutStatus]>

    /// Takes the next step at once, whatever is left of the bake time.
    func promoteRollout(
        label: String, of name: String, context: CallContext
    ) async throws(MartletError) -> RolloutStatus

    /// Gives a route's calls back to the version that had them before its last rollout; loads that one first when it
    /// has left memory.
    func rollback(
        label: String, of name: String, reason: String, context: CallContext
    ) async throws(MartletError) -> RolloutStatus

    /// Takes a version's files and makes it exist in one step.
    /// - Throws: `.alreadyExists` when the version is there with other bytes, `.aborted` while another publisher sends
    ///   the same one, `.resourceExhausted` when the disk has no room.
    func publish(
        _ parts: any PublishSource, events: any PublishEventSink, context: CallContext
    ) async throws(MartletError)
}
