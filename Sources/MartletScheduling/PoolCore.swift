internal import MartletCore
internal import Synchronization

/// What the pool's threads share: the queue under a lock, and how workers wait.
///
/// A worker without work first spins for some microseconds on `backlog`, where a submission costs nobody a system call,
/// then parks.
final class PoolCore<Work: ScheduledWork>: @unchecked Sendable {  // safe: every `var` is touched with `parking` locked
    typealias Item = PoolItem<Work>

    private let parking = Parking()
    private let idleSpin: Duration
    /// Works in the queue, or `closed`; read by spinning workers without the lock.
    private let backlog = Atomic(0)
    private let closed = Int.max

    private var queue: BatchQueue<Item>
    private var closing = false
    private var parked = 0
    private var spinning = 0
    private var counters = ComputePool<Work>.Snapshot()

    init(settings: BatchQueue<Item>.Settings, idleSpin: Duration) {
        queue = BatchQueue(settings)
        self.idleSpin = idleSpin
        counters.threads = settings.workers
    }

    func submit(_ items: some Collection<Item>) throws(MartletError) {
        let now = ContinuousClock.now
        parking.lock()
        defer { parking.unlock() }
        if closing {
            counters.turnedAway &+= 1
            throw MartletError(.unavailable, "the server is shutting down")
        }
        do throws(MartletError) {
            try queue.admit(items, at: now)
        } catch {
            counters.turnedAway &+= 1
            throw error
        }
        backlog.store(queue.queuedWorks, ordering: .releasing)
        // Spinning workers see the backlog by themselves.
        for _ in 0..<min(parked, max(0, items.count - spinning)) { parking.wakeOne() }
    }

    /// No more submissions; workers end when the queue is empty.
    func close() {
        parking.lock()
        closing = true
        backlog.store(closed, ordering: .releasing)
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
        var maySpin = true
        parking.lock()
        while true {
            let batch = queue.nextBatch(at: .now, idleWorkers: parked + spinning)
            if !batch.isEmpty {
                began(batch)
                parking.unlock()
                let start = ContinuousClock.now
                for (item, error) in batch.refused { item.refuse(error) }
                run(batch.works, runner)
                let time = start.duration(to: .now)
                parking.lock()
                ended(batch, in: time)
                maySpin = true
            } else if closing {
                break
            } else if maySpin, idleSpin > .zero {
                spinning += 1
                parking.unlock()
                spin()
                parking.lock()
                spinning -= 1
                maySpin = false
            } else {
                parked += 1
                parking.park()
                parked -= 1
            }
        }
        parking.unlock()
    }

    private func began(_ batch: BatchQueue<Item>.Batch) {
        if !closing { backlog.store(queue.queuedWorks, ordering: .releasing) }
        counters.refused &+= UInt64(batch.refused.count)
        if !batch.works.isEmpty {
            counters.batches &+= 1
            counters.started &+= UInt64(batch.works.count)
            counters.runningTokens += batch.tokens
            counters.busyThreads += 1
        }
        // More than this worker takes: pass the wake-up on.
        if parked > 0, queue.queuedWorks > spinning { parking.wakeOne() }
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

    private func spin() {
        let end = ContinuousClock.now.advanced(by: idleSpin)
        repeat {
            for _ in 0..<64 where backlog.load(ordering: .relaxed) != 0 { return }
        } while ContinuousClock.now < end
    }
}
