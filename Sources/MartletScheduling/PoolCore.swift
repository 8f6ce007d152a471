internal import MartletCore

/// What the pool's threads share: the queue under a lock, and how workers wait.
///
/// A worker without work parks at once. Spinning first for 30 us was tried: half the wake-ups were 5 us faster, but the
/// slowest one in a hundred was three times slower, and far worse where callers want the core that the spinner holds.
final class PoolCore<Work: ScheduledWork>: @unchecked Sendable {  // safe: every `var` is touched with `parking` locked
    typealias Item = PoolItem<Work>

    private let parking = Parking()
    private var queue: BatchQueue<Item>
    private var closing = false
    private var parked = 0
    private var counters = ComputePool<Work>.Snapshot()

    init(settings: BatchQueue<Item>.Settings) {
        queue = BatchQueue(settings)
        counters.threads = settings.workers
    }

    func submit(_ items: some Collection<Item>) throws(MartletError) {
        let now = ContinuousClock.now
        let wakeUps = try admit(items, at: now)
        // After the lock was given back: a worker that wakes needs it first of all.
        for _ in 0..<wakeUps { parking.wakeOne() }
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
        return min(parked, items.count)
    }

    /// No more submissions; workers end when the queue is empty.
    func close() {
        parking.lock()
        closing = true
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

    /// The body of a worker thread; returns after `close()`, once the queue is empty.
    func work(with runner: ([Work]) -> Void) {
        parking.lock()
        while true {
            let batch = queue.nextBatch(at: .now, idleWorkers: parked)
            if !batch.isEmpty {
                began(batch)
                parking.unlock()
                let start = ContinuousClock.now
                for (item, error) in batch.refused { item.refuse(error) }
                run(batch.works, runner)
                let time = start.duration(to: .now)
                parking.lock()
                ended(batch, in: time)
            } else if closing {
                break
            } else {
                parked += 1
                parking.park()
                parked -= 1
            }
        }
        parking.unlock()
    }

    private func began(_ batch: BatchQueue<Item>.Batch) {
        counters.refused &+= UInt64(batch.refused.count)
        if !batch.works.isEmpty {
            counters.batches &+= 1
            counters.started &+= UInt64(batch.works.count)
            counters.runningTokens += batch.tokens
            counters.busyThreads += 1
        }
        // More than this worker takes: pass the wake-up on.
        if parked > 0, queue.queuedWorks > 0 { parking.wakeOne() }
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
}
