package import MartletCore
internal import Synchronization

/// A fixed set of threads that run batches of works, and plain jobs, from one bounded queue.
///
/// A worker that has nothing to do takes what is there at once: no work ever waits for a batch to fill.
package final class ComputePool<Work: ScheduledWork>: Sendable {
    /// What the pool is doing now.
    package struct Snapshot: Sendable, Hashable {
        package var threads = 0
        /// Threads that run a batch or a job; those that only help are not counted.
        package var busyThreads = 0
        package var queuedTokens = 0
        package var queuedWorks = 0
        package var runningTokens = 0
        /// Of all threads together, measured; nil before the first batch.
        package var tokensPerSecond: Double?
        /// Batches and jobs started since the pool began.
        package var batches: UInt64 = 0
        /// Works handed to a runner, and jobs run.
        package var started: UInt64 = 0
        /// Works admitted and later dropped: cancelled, or their deadline passed.
        package var refused: UInt64 = 0
        /// Times a thread joined another one's computation.
        package var helped: UInt64 = 0
        /// Calls of `submit` that were turned away.
        package var turnedAway: UInt64 = 0
    }

    private let core: PoolCore<Work>
    /// Taken by the first `shutdown()`.
    private let threads: Mutex<[ComputeThread]>

    /// Starts the threads, `martlet-cpu-0` and so on: Linux keeps 15 bytes of a name.
    /// - Parameters:
    ///   - threads: at least 1.
    ///   - batchTokensMax: tokens that a batch aims at; a single work above it runs alone.
    ///   - queueTokensMax: tokens that may wait in total.
    ///   - helperTokensMin: a batch wants the help of one idle thread for so many tokens. Waking a parked thread takes
    ///     as long as encoding a few of them.
    ///   - makeRunner: called once on each thread with its number and its team. The runner gets works of one batch key,
    ///     never none, and answers each of them before it returns. The team is for the runner alone: other threads
    ///     join its computations while they have nothing of their own, but no batch below `helperTokensMin`.
    /// - Throws: `.resourceExhausted` when the system gives no thread.
    package init(
        threads count: Int, batchTokensMax: Int, queueTokensMax: Int, helperTokensMin: Int = 64,
        makeRunner: @escaping @Sendable (Int, any ComputeTeam) -> ([Work]) -> Void
    ) throws(MartletError) {
        let count = max(1, count)
        let settings = BatchQueue<PoolItem<Work>>.Settings(
            batchTokensMax: batchTokensMax, queueTokensMax: queueTokensMax, workers: count)
        let core = PoolCore<Work>(settings: settings, helperTokensMin: helperTokensMin)
        self.core = core
        threads = Mutex(
            try ComputeThread.start(count: count, name: "martlet-cpu") { number in
                core.work(as: number, with: makeRunner(number, PoolTeam(core: core, number: number)))
            } whenNoneIsLeft: {
                core.close()
            })
    }

    /// Without `shutdown()` the threads finish what is queued and end by themselves.
    deinit {
        core.close()
        threads.withLock { threads in
            for thread in threads { thread.detach() }
        }
    }

    /// Queues one work.
    /// - Throws: `.resourceExhausted` with `retryAfter` when the queue is full or too slow for the work's deadline,
    ///   `.deadlineExceeded` when that has passed, `.unavailable` after `shutdown()`. A work turned away here is not
    ///   told by `refuse`.
    package func submit(_ work: Work) throws(MartletError) {
        try core.submit(CollectionOfOne(PoolItem.work(work)))
    }

    /// Queues all of `works` or, with the errors of `submit`, none. They may run in several batches, on several
    /// threads.
    package func submit(_ works: [Work]) throws(MartletError) {
        try core.submit(works.map { PoolItem.work($0) })
    }

    /// Runs `body` on a pool thread, in its turn; a cancelled task takes it out of the queue.
    /// - Parameter costTokens: its time in tokens of the works it competes with.
    package func perform<Output: Sendable>(
        costTokens: Int, priority: WorkPriority = .standard, deadline: Deadline = .none,
        _ body: @escaping @Sendable () throws(MartletError) -> Output
    ) async throws(MartletError) -> Output {
        let slot = Mutex<PlainJob?>(nil)
        let result: Result<Output, MartletError> = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let job = PlainJob(costTokens: costTokens, priority: priority, deadline: deadline) { error in
                    if let error { return continuation.resume(returning: .failure(error)) }
                    do throws(MartletError) {
                        continuation.resume(returning: .success(try body()))
                    } catch {
                        continuation.resume(returning: .failure(error))
                    }
                }
                slot.withLock { $0 = job }
                // Cancelled before the slot was filled: the handler found nothing to mark.
                if Task.isCancelled { job.cancelled.store(true, ordering: .relaxed) }
                do throws(MartletError) {
                    try core.submit(CollectionOfOne(PoolItem<Work>.job(job)))
                } catch {
                    continuation.resume(returning: .failure(error))
                }
            }
        } onCancel: {
            slot.withLock { $0?.cancelled.store(true, ordering: .relaxed) }
        }
        return try result.get()
    }

    /// Takes no more works, runs what is queued, and waits until every thread has ended. Blocks the caller; must not be
    /// called from a runner. A second call returns at once when the first has ended.
    package func shutdown() {
        core.close()
        threads.withLock { threads in
            precondition(!threads.contains { $0.isCurrent }, "a pool thread cannot wait for its own end")
            for thread in threads { thread.join() }
            threads = []
        }
    }

    package var snapshot: Snapshot { core.snapshot }
}
