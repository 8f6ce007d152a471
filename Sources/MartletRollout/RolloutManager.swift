package import MartletCore
internal import Synchronization

/// Owns the version states: loads what is aspired, publishes what answers, lets go what is no longer needed.
///
/// Calls never wait for it: `lease(_:)` and `statuses()` read what was last published in one store. A failure of a
/// version never touches another one.
package actor RolloutManager<Loader: VersionLoader> {
    package typealias Loaded = Loader.Loaded

    private enum Goal { case settled, shutDown }

    let policy: any RolloutPolicy
    let loader: Loader
    let clock: any Clock<Duration>
    let drainTimeout: Duration
    private let loadsAtOnceMax: Int
    private let onEvent: @Sendable (RolloutEvent) -> Void
    private let eventSink: AsyncStream<RolloutEvent>.Continuation
    let drained: AsyncStream<VersionID>
    let drainedSink: AsyncStream<VersionID>.Continuation
    private nonisolated let published = Mutex(RolloutBoard<Loaded>())
    private nonisolated let watchers = StatusWatchers()

    var records: [VersionID: VersionRecord<Loaded>] = [:]
    /// Models that an operator took out of service. In memory only: a new start serves them again.
    var stopped: Set<String> = []
    /// Model → label → version number; a label may lead to a version that is not ready yet.
    var labels: [String: [String: Int]]
    let labelsMax: Int
    var loads: [VersionID: Task<Void, Never>] = [:]
    var drainTimers: [VersionID: Task<Void, Never>] = [:]
    var drainPump: Task<Void, Never>?
    private var waiters: [UInt64: (goal: Goal, continuation: CheckedContinuation<Void, Never>)] = [:]
    private var nextWaiter: UInt64 = 0
    private(set) var isShuttingDown = false

    /// What happens, in order; the newest 1024 are kept for a slow reader. One reader.
    package nonisolated let events: AsyncStream<RolloutEvent>

    /// - Parameters:
    ///   - labels: model → label → version number, from the configuration. A label leads somewhere once its version
    ///     is ready. `latest` is built in: the highest ready version.
    ///   - drainTimeout: how long calls may hold a version that was replaced before their leases are revoked.
    ///   - labelsMax: labels of one model that operators may set.
    ///   - loadsAtOnceMax: loads that run side by side; loading takes cores from traffic.
    ///   - onEvent: called on the actor for every event, in order: log and return.
    package init(
        policy: some RolloutPolicy = AvailabilityFirst(), loader: Loader,
        clock: any Clock<Duration> = ContinuousClock(), drainTimeout: Duration = .seconds(30),
        labels: [String: [String: Int]] = [:], labelsMax: Int = 256, loadsAtOnceMax: Int = 1,
        onEvent: @escaping @Sendable (RolloutEvent) -> Void = { _ in }
    ) {
        self.policy = policy
        self.loader = loader
        self.clock = clock
        self.drainTimeout = drainTimeout
        self.labels = labels
        self.labelsMax = labelsMax
        self.loadsAtOnceMax = max(1, loadsAtOnceMax)
        self.onEvent = onEvent
        (events, eventSink) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1_024))
        // One entry for each version that drains: bounded by the versions in memory.
        (drained, drainedSink) = AsyncStream.makeStream()
    }

    deinit {
        watchers.end()
        eventSink.finish()
        drainedSink.finish()
    }

    // MARK: What calls read

    /// Takes a lease on the version that answers `reference`. Never waits.
    /// - Throws: `.notFound` for an unknown model, version or label; `.unavailable` when none is ready, with the state
    ///   and the reason.
    package nonisolated func lease(_ reference: ModelReference) throws(MartletError) -> Lease<Loaded> {
        let label =
            switch reference.selector {
            case .label(let label): label
            case .latest, .version: ""
            }
        while true {
            let residence = try routes().route(reference)
            if let lease = Lease(of: residence, label: label) { return lease }
            // It began to drain since the table was read. A version leaves the table before it is closed, so the next
            // table no longer has it.
        }
    }

    package nonisolated func routes() -> RouteTable<Loaded> { published.withLock { $0.routes } }

    /// Every known version, or those of one model, sorted by name, then number.
    package nonisolated func statuses(named name: String? = nil) -> [ModelStatus] {
        // Copied under the lock, counted outside it.
        published.withLock { $0 }.statuses(named: name)
    }

    /// `statuses(named:)` now and after each change of it but the number of leases. Of changes that nobody has read
    /// only the last is kept. Ends when its reader's task is cancelled, when the reader lets it go, and at
    /// `shutdown()`.
    package nonisolated func watch(named name: String? = nil) -> AsyncStream<[ModelStatus]> {
        watchers.add(named: name) { published.withLock { $0 } }
    }

    /// Streams of `watch(named:)` that have not ended.
    package nonisolated var watcherCount: Int { watchers.count }

    /// A lease on every version in memory, also on those that drain while calls hold them; sorted by name, then number.
    /// Let them go soon.
    package nonisolated func leasesOnLoaded(named name: String? = nil) -> [Lease<Loaded>] {
        published.withLock { $0 }.residences(named: name).compactMap { Lease(inspecting: $0) }
    }

    // MARK: What sources and operators ask

    /// The versions that should be served from now on, of all models. One left out is to be unloaded.
    package func aspire(to versions: [AspiredVersion]) {
        guard !isShuttingDown else { return }
        let wanted = Dictionary(versions.map { ($0.id, $0) }, uniquingKeysWith: { $1 })
        for id in records.keys.sorted() where wanted[id] == nil { withdraw(id) }
        for version in wanted.values.sorted(by: { $0.id < $1.id }) { aspire(to: version) }
        advance()
    }

    /// Asks `source` which versions it wants now and aspires to them, as one step: of two callers, the one that looked
    /// first can never undo what the other found.
    /// - Parameter source: runs on the actor; may read a folder. Calls do not wait for it.
    package func aspire(asking source: @Sendable () throws(MartletError) -> [AspiredVersion]) throws(MartletError) {
        aspire(to: try source())
    }

    /// Tries a failed version again although its fingerprint is the same.
    package func retry(_ id: VersionID) {
        guard let record = records[id], case .failed = record.phase else { return }
        discover(id)
        advance()
    }

    /// Returns when no step is possible: every load has ended, and every version without calls has left memory.
    package func settled() async { await reach(.settled) }

    /// The same, and at once when the task is cancelled.
    func settledOrCancelled() async {
        let number = newWaiter()
        await withTaskCancellationHandler {
            if !Task.isCancelled { await reach(.settled, as: number) }
        } onCancel: {
            Task { await self.forgetWaiter(number) }
        }
    }

    private func newWaiter() -> UInt64 {
        nextWaiter &+= 1
        return nextWaiter
    }

    private func forgetWaiter(_ number: UInt64) { waiters.removeValue(forKey: number)?.continuation.resume() }

    /// Routes nothing any more, gives running loads up, drains every version; returns when all memory is returned or
    /// the drain limit has passed.
    package func shutdown() async {
        if !isShuttingDown {
            isShuttingDown = true
            for id in records.keys.sorted() { withdraw(id) }
            for (id, record) in records.sorted(by: { $0.key < $1.key }) {
                if case .ready = record.phase { beginDraining(id) }
            }
            advance()
        }
        await reach(.shutDown)
        for timer in drainTimers.values { timer.cancel() }
        watchers.end()
        drainedSink.finish()
        eventSink.finish()
    }

    // MARK: Steps

    /// Takes every step that is possible now, then tells who waits.
    func advance() {
        while !isShuttingDown, let step = policy.nextStep(for: snapshots()) {
            if case .load(let id) = step, records[id]?.mayReturn == true {
                guard endDrainingEarly(id) else { break }
            } else if case .load(let id) = step, records[id]?.mayLoad == true {
                guard loads.count < loadsAtOnceMax else { break }
                beginLoading(id)
            } else if case .unload(let id) = step, let record = records[id], case .ready = record.phase {
                beginDraining(id)
            } else {
                emit(step.id, .stepIgnored(step))
                break
            }
        }
        publish()
        // Asked once: leases end on other threads, so a second answer may differ, and a waiter would be resumed twice.
        let reached = Set(waiters.values.map(\.goal)).filter { has(reached: $0) }
        for (number, waiter) in waiters where reached.contains(waiter.goal) {
            waiters[number] = nil
            waiter.continuation.resume()
        }
    }

    private func snapshots() -> [VersionSnapshot] {
        records.sorted { $0.key < $1.key }.map { id, record in
            VersionSnapshot(
                id, record.state, isAspired: record.isAspired && !stopped.contains(id.model),
                isLabelled: labels[id.model]?.values.contains(id.number) ?? false, mayReturn: record.mayReturn)
        }
    }

    private func aspire(to version: AspiredVersion) {
        let id = version.id
        guard var record = records[id] else {
            records[id] = VersionRecord(aspired: version)
            emit(id, .discovered)
            return
        }
        record.aspired = version
        record.isAspired = true
        let hasChanged = record.triedFingerprint.map { $0 != version.fingerprint } ?? false
        switch record.phase {
        case .failed where hasChanged:
            records[id] = record
            discover(id)
            return
        case .ready where hasChanged && record.warnedFingerprint != version.fingerprint,
            .draining where hasChanged && record.warnedFingerprint != version.fingerprint:
            record.warnedFingerprint = version.fingerprint
            emit(id, .changedWhileLoaded)
        default: break
        }
        records[id] = record
    }

    func discover(_ id: VersionID) {
        records[id]?.phase = .discovered
        emit(id, .discovered)
    }

    private func withdraw(_ id: VersionID) {
        guard let record = records[id] else { return }
        switch record.phase {
        case .discovered, .unloaded, .failed:
            records[id] = nil
        case .loading:
            records[id]?.isAspired = false
            abandonLoad(id)
        case .ready, .draining:
            records[id]?.isAspired = false
        }
    }

    // MARK: Telling others

    func emit(_ id: VersionID, _ kind: RolloutEvent.Kind) {
        let event = RolloutEvent(id, kind)
        onEvent(event)
        eventSink.yield(event)
    }

    func publish() {
        let board = RolloutBoard(records, labels: labels, stopped: stopped, isShuttingDown: isShuttingDown)
        var old = board
        // Swapped, so that the old table is freed outside the lock that calls read under.
        published.withLock { swap(&$0, &old) }
        watchers.tell(board)
    }

    private func reach(_ goal: Goal, as number: UInt64? = nil) async {
        if has(reached: goal) { return }
        let number = number ?? newWaiter()
        await withCheckedContinuation { waiters[number] = (goal, $0) }
    }

    private func has(reached goal: Goal) -> Bool {
        guard loads.isEmpty else { return false }
        return records.values.allSatisfy { record in
            guard case .draining(let residence, _, let isOverdue) = record.phase else { return true }
            switch goal {
            case .settled: return residence.leases > 0
            case .shutDown: return isOverdue
            }
        }
    }
}
