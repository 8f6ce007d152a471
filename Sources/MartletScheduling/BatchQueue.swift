internal import DequeModule
package import MartletCore

/// Decides what is admitted, what waits, and what runs next. Pure: no threads, no clock of its own.
///
/// Works wait in lanes, one per priority and batch key, first in first out. The next batch comes from the lane with the
/// best class (waiting raises it), and among equals from the one that has been served the fewest tokens, so that no key
/// starves another. A batch closes when its lane is empty or the next work does not fit.
package struct BatchQueue<Work: ScheduledWork>: Sendable {
    package struct Settings: Sendable {
        /// Tokens that one batch aims at. A single work above it runs alone.
        package var batchTokensMax: Int
        /// Tokens that may wait in total.
        package var queueTokensMax: Int
        /// Below this a batch is not cut smaller to keep another idle worker busy: the weights are read once per batch.
        package var splitTokensMin = 256
        /// Waiting this long raises a work by one class.
        package var ageing: Duration = .milliseconds(500)
        /// Threads that take batches from this queue.
        package var workers = 1

        package init(batchTokensMax: Int, queueTokensMax: Int, workers: Int = 1) {
            self.batchTokensMax = batchTokensMax
            self.queueTokensMax = queueTokensMax
            self.workers = workers
        }
    }

    /// What a worker takes: works of one key to run together, and works to refuse. Both empty: nothing is waiting.
    package struct Batch: Sendable {
        package var works: [Work] = []
        package var tokens = 0
        package var refused: [(work: Work, error: MartletError)] = []

        package var isEmpty: Bool { works.isEmpty && refused.isEmpty }
    }

    private struct Entry: Sendable {
        let work: Work
        let tokens: Int
        let sharesBatches: Bool
        let deadline: ContinuousClock.Instant?
        let arrival: ContinuousClock.Instant
    }

    /// Never empty while it stands in `lanes`.
    private struct Lane: Sendable {
        let key: ObjectIdentifier
        let priority: WorkPriority
        var entries: Deque<Entry> = []
        var tokens = 0
        /// Virtual time: tokens served, counted from the lane's birth (start-time fair queueing).
        var served: Int
    }

    /// Works to refuse in one call, so that a queue full of expired works never holds the pool's lock for long.
    private static var refusedMax: Int { 256 }

    private let settings: Settings
    private var lanes: [Lane] = []
    /// The virtual time at which the last batch started: a lane that was not looked at for long counts from here.
    private var floor = 0
    /// Where new lanes start: not before the last one that emptied, whose debt was forgotten with it. One that empties
    /// and returns all the time would otherwise always be the one served least.
    private var birth = 0
    private var meter = ThroughputMeter()

    package private(set) var queuedTokens = 0
    package private(set) var queuedWorks = 0

    package init(_ settings: Settings) { self.settings = settings }

    /// What all workers together do in a second; nil before the first measured batch.
    package var tokensPerSecond: Double? {
        meter.tokensPerSecond.map { $0 * Double(max(1, settings.workers)) }
    }

    /// A batch of `tokens` was run in `time` by one worker.
    package mutating func recordRun(tokens: Int, in time: Duration) { meter.record(tokens: tokens, in: time) }

    // MARK: Admission

    /// Admits all of `works` or none: half a request helps nobody.
    /// - Throws: `.deadlineExceeded` when the deadline has passed; `.resourceExhausted` with a retry hint when the
    ///   queue is full or the works would still wait at their deadline; without a hint when they can never fit.
    package mutating func admit(
        _ works: some Collection<Work>, at now: ContinuousClock.Instant
    ) throws(MartletError) {
        var total = 0
        var earliest: ContinuousClock.Instant?
        var priority = WorkPriority.interactive
        for work in works {
            let (sum, overflow) = total.addingReportingOverflow(max(1, work.costTokens))
            guard !overflow, sum <= settings.queueTokensMax else {
                throw MartletError(
                    .resourceExhausted,
                    "the request costs more tokens than the server's queue ever holds (queueTokensMax is "
                        + "\(settings.queueTokensMax)); send fewer texts at once")
            }
            total = sum
            priority = max(priority, work.priority)
            if let instant = work.deadline.instant { earliest = min(earliest ?? instant, instant) }
        }
        if let earliest, now >= earliest { throw Self.expired }
        guard queuedTokens + total <= settings.queueTokensMax else {
            throw MartletError(
                .resourceExhausted,
                "the server is busy: \(queuedTokens) of at most \(settings.queueTokensMax) tokens are waiting; "
                    + "try again later",
                retryAfter: retryHint)
        }
        // Only for what stands before it: with nothing there a work is always tried, or one slow measurement would turn
        // away everything after it and never be corrected.
        if let earliest, let wait = estimatedWait(behind: tokensWaiting(upTo: priority)),
            now.advanced(by: wait) > earliest
        {
            // Admitted, it would be run in vain or not at all, and others would wait for it.
            throw MartletError(
                .resourceExhausted,
                "the server is busy: the queue needs longer than the call's deadline allows; try again later",
                retryAfter: retryHint)
        }
        for work in works { append(work, at: now) }
    }

    private mutating func append(_ work: Work, at now: ContinuousClock.Instant) {
        let entry = Entry(
            work: work, tokens: max(1, work.costTokens), sharesBatches: work.sharesBatches,
            deadline: work.deadline.instant, arrival: now)
        let (key, priority) = (work.batchKey, work.priority)
        let index: Int
        if let known = lanes.firstIndex(where: { $0.key == key && $0.priority == priority }) {
            index = known
        } else {
            index = lanes.count
            lanes.append(Lane(key: key, priority: priority, served: max(floor, birth)))
        }
        lanes[index].entries.append(entry)
        lanes[index].tokens += entry.tokens
        queuedTokens += entry.tokens
        queuedWorks += 1
    }

    /// The time in which everything that waits now is worked off, 10 ms to 60 s; 1 s while nothing was measured.
    private var retryHint: Duration {
        min(max(estimatedWait(behind: queuedTokens) ?? .seconds(1), .milliseconds(10)), .seconds(60))
    }

    /// Tokens that are served before a newcomer of `priority`.
    private func tokensWaiting(upTo priority: WorkPriority) -> Int {
        lanes.reduce(0) { $1.priority <= priority ? $0 + $1.tokens : $0 }
    }

    private func estimatedWait(behind tokens: Int) -> Duration? {
        tokensPerSecond.map { .seconds(min(Double(tokens) / $0, 3_600)) }
    }

    private static var expired: MartletError {
        MartletError(.deadlineExceeded, "the call's deadline passed before its work began")
    }

    // MARK: Batching

    /// The next batch, closed at once with what is there.
    /// - Parameter idleWorkers: other workers that have nothing to do; the lane is shared with them.
    package mutating func nextBatch(at now: ContinuousClock.Instant, idleWorkers: Int = 0) -> Batch {
        var batch = Batch()
        while batch.works.isEmpty, batch.refused.count < Self.refusedMax, let index = bestLane(at: now) {
            fill(&batch, from: index, at: now, idleWorkers: idleWorkers)
        }
        return batch
    }

    private mutating func fill(
        _ batch: inout Batch, from index: Int, at now: ContinuousClock.Instant, idleWorkers: Int
    ) {
        let start = max(lanes[index].served, floor)
        let share = lanes[index].tokens / (max(0, idleWorkers) + 1)
        let target = min(settings.batchTokensMax, max(settings.splitTokensMin, share))
        while let head = lanes[index].entries.first, batch.refused.count < Self.refusedMax {
            let error: MartletError? =
                if head.work.isCancelled {
                    MartletError(.cancelled, "the call was cancelled before its work began")
                } else if let deadline = head.deadline, now >= deadline {
                    Self.expired
                } else {
                    nil
                }
            if error == nil, !batch.works.isEmpty, !head.sharesBatches || batch.tokens + head.tokens > target { break }
            lanes[index].entries.removeFirst()
            lanes[index].tokens -= head.tokens
            queuedTokens -= head.tokens
            queuedWorks -= 1
            if let error {
                batch.refused.append((head.work, error))
            } else {
                batch.works.append(head.work)
                batch.tokens += head.tokens
                if !head.sharesBatches { break }
            }
        }
        if !batch.works.isEmpty { floor = start }
        lanes[index].served = start + batch.tokens
        if lanes[index].entries.isEmpty {
            birth = max(birth, lanes[index].served)
            lanes.swapAt(index, lanes.count - 1)
            lanes.removeLast()
        }
    }

    private func bestLane(at now: ContinuousClock.Instant) -> Int? {
        var best: (index: Int, rank: Int, served: Int, arrival: ContinuousClock.Instant)?
        for (index, lane) in lanes.enumerated() {
            guard let head = lane.entries.first else { continue }
            let rank = max(0, lane.priority.rawValue - agedClasses(head.arrival.duration(to: now)))
            // A lane that waited in a lower class has no credit from that time: it would lock out the others.
            let served = max(lane.served, floor)
            if let known = best, (known.rank, known.served, known.arrival) <= (rank, served, head.arrival) { continue }
            best = (index, rank, served, head.arrival)
        }
        return best?.index
    }

    private func agedClasses(_ waited: Duration) -> Int {
        if waited < settings.ageing { return 0 }
        return waited < settings.ageing * 2 ? 1 : 2
    }
}
