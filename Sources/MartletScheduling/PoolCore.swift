#if canImport(Glibc)
internal import Glibc
#elseif canImport(Darwin)
internal import Darwin
#endif
internal import MartletCore
internal import Synchronization

/// What the pool's threads share: the queue under a lock, how workers wait, and how they help each other.
///
/// A worker looks for a batch first, then for another thread's computation that it can join, and parks when there is
/// neither. While it sees a batch that wants helpers but shares nothing yet (texts are tokenized first, and a batch may
/// run in several passes), it goes on looking for `patience` before it parks: waking a parked thread takes 50 to 70 us,
/// and one that looks begins within 2. Spinning without such a batch was tried: half the wake-ups were 5 us faster, but
/// the slowest one in a hundred was three times slower, and far worse where callers want the core that the spinner
/// holds.
final class PoolCore<Work: ScheduledWork>: @unchecked Sendable {  // safe: every `var` is touched with `parking` locked
    typealias Item = PoolItem<Work>

    /// How long a thread without work watches a batch that will want it. Each look gives the core to whoever wants it.
    private static var patience: Duration { .microseconds(100) }
    /// Threads that one thread wakes, each of which wakes as many again: everybody is up after few wake-ups in a row.
    private static var wakeUpsMax: Int { 2 }

    private let parking = Parking()
    private let helperTokensMin: Int
    /// One for each worker and, last, one for a caller from outside.
    private let offers: [Offer]
    private var queue: BatchQueue<Item>
    private var closing = false
    private var parked = 0
    /// Threads that look for something to join and have not parked.
    private var watching = 0
    private var counters = ComputePool<Work>.Snapshot()
    /// Told to those who watch without the lock: there is something to look at under it.
    private let news = Atomic<Int>(0)
    private let idle = Atomic<Int>(0)

    /// - Parameters:
    ///   - helperTokensMin: a batch wants one helper for so many tokens.
    ///   - hasOutsider: true for one more thread, not a worker, that shares its computations.
    init(settings: BatchQueue<Item>.Settings, helperTokensMin: Int, hasOutsider: Bool = false) {
        queue = BatchQueue(settings)
        self.helperTokensMin = max(1, helperTokensMin)
        offers = (0..<settings.workers + (hasOutsider ? 1 : 0)).map { _ in Offer() }
        counters.threads = settings.workers
    }

    func submit(_ items: some Collection<Item>) throws(MartletError) {
        let now = ContinuousClock.now
        wake(try admit(items, at: now))
    }

    /// Returns how many workers to wake.
    private func admit(
        _ items: some Collection<Item>, at now: ContinuousClock.Instant
    ) throws(MartletError) -> Int {
        parking.lock()
        defer { parking.unlock() }
        do throws(MartletError) {
            if closing { throw MartletError(.unavailable, "the server is shutting down") }
            try queue.admit(items, at: now)
        } catch {
            counters.turnedAway &+= 1
            throw error
        }
        news.wrappingAdd(1, ordering: .relaxed)
        // Who watches takes its lock before it parks, and finds what was queued.
        return min(parked, max(0, items.count - watching))
    }

    /// No more submissions; workers end when the queue is empty.
    func close() {
        parking.lock()
        closing = true
        news.wrappingAdd(1, ordering: .relaxed)
        parking.wakeAll()
        parking.unlock()
    }

    var snapshot: ComputePool<Work>.Snapshot {
        parking.lock()
        defer { parking.unlock() }
        var snapshot = counters
        snapshot.queuedTokens = queue.queuedTokens
        snapshot.queuedWorks = queue.queuedWorks
        snapshot.tokensPerSecond = queue.tokensPerSecond
        return snapshot
    }

    // MARK: A worker's life

    /// The body of worker `number`'s thread; returns after `close()`, once the queue is empty.
    func work(as number: Int, with runner: ([Work]) -> Void) {
        let own = offers[number]
        // Calls joined last, one for each offer: a call has nothing left for a helper that returned from it.
        var seen = [UInt32?](repeating: nil, count: offers.count)
        var watchEnd = ContinuousClock.now
        parking.lock()
        while true {
            let batch = queue.nextBatch(at: .now, idleWorkers: parked + watching)
            if !batch.isEmpty {
                let wakeUps = began(batch, own)
                parking.unlock()
                wake(wakeUps)
                let start = ContinuousClock.now
                for (item, error) in batch.refused { item.refuse(error) }
                run(batch.works, runner)
                own.wanted = 0
                let end = ContinuousClock.now
                parking.lock()
                ended(batch, in: start.duration(to: end) + own.takeHelpTime())
                watchEnd = end + Self.patience
            } else if let (offer, seat) = join(as: number, &seen) {
                let wakeUps = seat.leavesRoom ? min(parked, Self.wakeUpsMax) : 0
                counters.helped &+= 1
                parking.unlock()
                wake(wakeUps)
                offer.help(at: seat)
                watchEnd = .now + Self.patience
                parking.lock()
            } else if closing {
                break
            } else if ContinuousClock.now < watchEnd, somebodyWantsHelp(besides: number) {
                watch(as: number, until: watchEnd, seen)
            } else {
                parked += 1
                publishIdle()
                parking.park()
                parked -= 1
                publishIdle()
                watchEnd = .now + Self.patience
            }
        }
        parking.unlock()
    }

    private func wake(_ count: Int) {
        // After the lock was given back: a worker that wakes needs it first of all.
        for _ in 0..<count { parking.wakeOne() }
    }

    /// Returns how many workers to wake.
    private func began(_ batch: BatchQueue<Item>.Batch, _ own: Offer) -> Int {
        counters.refused &+= UInt64(batch.refused.count)
        if !batch.works.isEmpty {
            counters.batches &+= 1
            counters.started &+= UInt64(batch.works.count)
            counters.runningTokens += batch.tokens
            counters.busyThreads += 1
        }
        if case .work = batch.works.first {
            own.wanted = min(teamWidth - 1, batch.tokens / helperTokensMin)
        }
        // For more than this worker takes, or for its helper: that wakes while this thread still reads texts.
        return parked > 0 && (queue.queuedWorks > 0 || own.wanted > watching) ? 1 : 0
    }

    private func ended(_ batch: BatchQueue<Item>.Batch, in time: Duration) {
        guard !batch.works.isEmpty else { return }
        counters.runningTokens -= batch.tokens
        counters.busyThreads -= 1
        queue.recordRun(tokens: batch.tokens, in: time)
    }

    private func run(_ items: [Item], _ runner: ([Work]) -> Void) {
        var works: [Work] = []
        works.reserveCapacity(items.count)
        for item in items {
            switch item {
            case .work(let work): works.append(work)
            case .job(let job): job.end(nil)
            }
        }
        if !works.isEmpty { runner(works) }
    }

    // MARK: Helping

    /// The most threads that one computation runs on.
    var teamWidth: Int { min(offers.count, ComputeThreads.teamMax) }

    /// The number of the caller from outside.
    var outsider: Int { offers.count - 1 }

    func idleThreads(for number: Int) -> Int { min(idle.load(ordering: .relaxed), offers[number].wanted) }

    /// How many helpers the thread `number` has work for, until told otherwise. A worker's batch says it by itself.
    func want(_ helpers: Int, as number: Int) { offers[number].wanted = min(helpers, teamWidth - 1) }

    /// Runs `body` on the calling thread, which has the offer `number` for itself, and on those that join.
    func together(as number: Int, _ body: (Int) -> Void) {
        let own = offers[number]
        guard own.wanted > 0 else { return body(0) }
        withoutActuallyEscaping(body) { body in
            own.open(body)
            parking.lock()
            let wakeUps = min(parked, max(0, own.wanted - watching), Self.wakeUpsMax)
            parking.unlock()
            wake(wakeUps)
            body(0)
            own.close()
        }
    }

    private func join(as number: Int, _ seen: inout [UInt32?]) -> (Offer, Offer.Seat)? {
        // Each starts behind itself, so that helpers spread over the offers.
        for step in 1..<max(1, offers.count) {
            let other = (number + step) % offers.count
            if let seat = offers[other].join(after: seen[other]) {
                seen[other] = seat.call
                return (offers[other], seat)
            }
        }
        return nil
    }

    private func somebodyWantsHelp(besides number: Int) -> Bool {
        offers.indices.contains { $0 != number && offers[$0].wanted > 0 }
    }

    /// Gives the lock up and looks, until there is something to do or nothing to wait for.
    private func watch(as number: Int, until end: ContinuousClock.Instant, _ seen: [UInt32?]) {
        watching += 1
        publishIdle()
        let told = news.load(ordering: .relaxed)
        parking.unlock()
        while news.load(ordering: .relaxed) == told, somebodyWantsHelp(besides: number),
            !offers.indices.contains(where: { $0 != number && offers[$0].hasSeat(after: seen[$0]) }),
            ContinuousClock.now < end
        {
            sched_yield()
        }
        parking.lock()
        watching -= 1
        publishIdle()
    }

    private func publishIdle() { idle.store(parked + watching, ordering: .relaxed) }
}
