package import MartletCore
internal import Synchronization

/// Owns the version states: loads what is aspired, publishes what answers, lets go what is no longer needed; and the
/// routes and rollouts, which survive the process.
///
/// Calls never wait for it: `lease(_:for:)` and `statuses()` read what was last published in one store. A failure of a
/// version never touches another one.
package actor RolloutManager<Loader: VersionLoader> {
    package typealias Loaded = Loader.Loaded

    let loader: Loader
    let store: any StateStore
    let time: Stopwatch
    let drainTimeout: Duration
    let labelsMax: Int
    let loadsAtOnceMax: Int
    private let onEvent: @Sendable (RolloutEvent) -> Void
    let drained: AsyncStream<VersionID>
    let drainedSink: AsyncStream<VersionID>.Continuation
    nonisolated let published = Mutex(RolloutBoard<Loaded>())
    nonisolated let publishedRollouts: Mutex<RolloutList>
    nonisolated let watchers = ListWatchers<RolloutBoard<Loaded>>()
    nonisolated let rolloutWatchers = ListWatchers<RolloutList>()
    private nonisolated let chance = Chance()

    var policy: VersionPolicy
    var records: [VersionID: VersionRecord<Loaded>] = [:]
    /// What operators decided: as saved, but for what `isUnsaved` says.
    var state: RolloutState
    /// True while an automatic change could not be saved.
    var isUnsaved = false
    /// Why the last try to save failed; told once.
    var toldSaveFailure: String?
    /// The last rollout of each route.
    var progress: [RouteKey: RolloutProgress]
    /// Of the shadows of the routes.
    var recorders: [RouteKey: ShadowRecorder] = [:]
    /// False until a source has said what there is: before that no version can be missed.
    var hasAspired = false
    /// Versions that a running call needs in memory, and how many calls do.
    var holds: [VersionID: Int] = [:]
    /// Models that left memory because nobody called them.
    var asleep: Set<String> = []
    /// Idle models that a call is bringing back.
    var waking: Set<String> = []
    /// Calls that wait for an idle model, by model.
    var wakers: [String: Int] = [:]
    /// When each model that may become idle is looked at next.
    var idleLooks: [String: Duration] = [:]
    var loads: [VersionID: Task<Void, Never>] = [:]
    var drainTimers: [VersionID: Task<Void, Never>] = [:]
    var drainPump: Task<Void, Never>?
    /// The one timer of all that happens by time alone.
    var alarm: (due: Duration, task: Task<Void, Never>)?
    /// When rollouts are looked at next, while one runs.
    var nextTick: Duration?
    var waiters: [UInt64: (goal: Goal, continuation: CheckedContinuation<Bool, Never>)] = [:]
    var nextWaiter: UInt64 = 0
    private(set) var isShuttingDown = false

    /// - Parameters:
    ///   - store: where what operators decide survives the process. What it holds is taken up again: routes lead
    ///     nowhere until their versions are ready, a rollout goes on at its step.
    ///   - drainTimeout: how long calls may hold a version that was replaced before their leases are revoked.
    ///   - labelsMax: labels of one model.
    ///   - loadsAtOnceMax: loads that run side by side; loading takes cores from traffic.
    ///   - onEvent: called on the actor for every event, in order: log and return.
    /// - Throws: `.failedPrecondition` when the saved state cannot be read.
    package init(
        configuration: RolloutConfiguration = RolloutConfiguration(), loader: Loader,
        store: any StateStore = ForgetfulStore(), clock: any Clock<Duration> = ContinuousClock(),
        drainTimeout: Duration = .seconds(30), labelsMax: Int = 256, loadsAtOnceMax: Int = 1,
        onEvent: @escaping @Sendable (RolloutEvent) -> Void = { _ in }
    ) throws(MartletError) {
        let (state, time) = (try Self.restored(from: store), Stopwatch(clock))
        self.state = state
        self.time = time
        let progress = Self.progress(of: state, now: time.now)
        self.progress = progress
        publishedRollouts = Mutex(RolloutList(progress, now: time.now))
        policy = VersionPolicy(configuration)
        self.loader = loader
        self.store = store
        self.drainTimeout = drainTimeout
        self.labelsMax = labelsMax
        self.loadsAtOnceMax = max(1, loadsAtOnceMax)
        self.onEvent = onEvent
        // One entry for each version that drains: bounded by the versions in memory.
        (drained, drainedSink) = AsyncStream.makeStream()
    }

    deinit {
        alarm?.task.cancel()
        watchers.end()
        rolloutWatchers.end()
        drainedSink.finish()
    }

    var configuration: RolloutConfiguration { policy.configuration }

    // MARK: What calls read

    /// Takes a lease on the version that answers `reference`, and for a share of the calls one on the route's shadow.
    /// Never waits.
    /// - Parameter metadata: of the call: a route may choose by an entry of it.
    /// - Throws: `.notFound` for an unknown model, version or label; `.unavailable` when none is ready, with the state
    ///   and the reason.
    package nonisolated func lease(
        _ reference: ModelReference, for metadata: CallMetadata = CallMetadata()
    ) throws(MartletError) -> RoutedLease<Loaded> {
        let label =
            switch reference.selector {
            case .label(let label): label
            case .latest, .version: ""
            }
        while true {
            let choice = try routes().choose(reference, for: metadata, chance)
            guard let lease = Lease(of: choice.residence, label: label) else {
                // It began to drain since the table was read. A version leaves the table before it is closed, so the
                // next table no longer has it.
                continue
            }
            let shadow = choice.shadow.flatMap { shadow in
                Lease(of: shadow.residence, label: "").map { ($0, shadow.recorder) }
            }
            return RoutedLease(lease, shadow: shadow)
        }
    }

    package nonisolated func routes() -> RouteTable<Loaded> { published.withLock { $0.routes } }

    /// Every known version, or those of one model, sorted by name, then number.
    package nonisolated func statuses(named name: String? = nil) -> [ModelStatus] {
        // Copied under the lock, counted outside it.
        published.withLock { $0 }.list(named: name)
    }

    /// `statuses(named:)` now and after each change of it but the number of leases. Of changes that nobody has read
    /// only the last is kept. Ends when its reader's task is cancelled, when the reader lets it go, and at
    /// `shutdown()`.
    package nonisolated func watch(named name: String? = nil) -> AsyncStream<[ModelStatus]> {
        watchers.add(named: name) { published.withLock { $0 } }
    }

    /// Streams of `watch(named:)` and `watchRollouts(named:)` that have not ended.
    package nonisolated var watcherCount: Int { watchers.count + rolloutWatchers.count }

    /// A lease on every version in memory, also on those that drain while calls hold them; sorted by name, then number.
    /// Let them go soon.
    package nonisolated func leasesOnLoaded(named name: String? = nil) -> [Lease<Loaded>] {
        published.withLock { $0 }.residences(named: name).compactMap { Lease(inspecting: $0) }
    }

    // MARK: The end

    /// Routes nothing any more, gives running loads up, drains every version; returns when all memory is returned or
    /// the drain limit has passed. Rollouts go on with the next process.
    package func shutdown() async {
        if !isShuttingDown {
            isShuttingDown = true
            alarm?.task.cancel()
            alarm = nil
            for id in records.keys.sorted() { withdraw(id) }
            for (id, record) in records.sorted(by: { $0.key < $1.key }) {
                if case .ready = record.phase { beginDraining(id) }
            }
            saveAgain()
            advance()
        }
        await reachAtLast(.shutDown)
        for timer in drainTimers.values { timer.cancel() }
        drainTimers = [:]
        watchers.end()
        rolloutWatchers.end()
        drainedSink.finish()
    }

    // MARK: Telling others

    func emit(_ id: VersionID, _ kind: RolloutEvent.Kind) { emit(model: id.model, version: id.number, kind) }

    func emit(model: String = "", version: Int? = nil, _ kind: RolloutEvent.Kind) {
        onEvent(RolloutEvent(model: model, version: version, kind))
    }
}
