internal import DequeModule
package import MartletCore

#if canImport(Glibc)
internal import Glibc
#elseif canImport(Darwin)
internal import Darwin
#endif

/// One thread for work beside the calls; as a rule it waits for everything else and takes what the cores have left
/// over.
///
/// Jobs run one after another, in the order in which they came. A thread of its own, because Swift's pool has one for
/// each core and a long job there delays every `await`, and because Dispatch's classes change nothing on Linux. Low
/// priority alone does not do: two cores share caches, memory and often their units, so a job also rests: see `Pace`.
package final class BackgroundThread: Sendable {
    private let jobs: JobList
    private let cores: Int

    /// - Parameters:
    ///   - name: for debuggers and `top -H`; 15 bytes of it are kept.
    ///   - cores: that it shares with the rest of the process.
    ///   - givesWay: false for one whose jobs somebody waits for: on a machine that others keep busy, the lowest
    ///     priority gets next to nothing.
    /// - Throws: `.resourceExhausted` when the system gives no thread.
    package init(name: String, cores: Int, givesWay: Bool = true) throws(MartletError) {
        let jobs = JobList()
        self.jobs = jobs
        self.cores = cores
        let started = ComputeThread.start(name: name, stackBytes: 4 << 20) {
            if givesWay { giveWay() }
            jobs.work()
        }
        guard let started else {
            throw MartletError(.resourceExhausted, "the system gives no thread for \(name)")
        }
        started.detach()
    }

    /// The thread ends after the job it has.
    deinit { jobs.close() }

    /// Runs `body` on the thread, in its turn. Cancelling the task tells the job, which ends when it looks.
    /// - Parameter isAwaited: asked again and again, from the thread: while somebody waits for the job it never rests.
    package func perform<Output: Sendable>(
        isAwaited: @escaping @Sendable () -> Bool = { false },
        _ body: @escaping @Sendable (Pace) throws(MartletError) -> Output
    ) async throws(MartletError) -> Output {
        let pace = Pace(cores: cores, isAwaited: isAwaited)
        let result: Result<Output, MartletError> = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                jobs.add {
                    do throws(MartletError) {
                        try pace.check()
                        continuation.resume(returning: .success(try body(pace)))
                    } catch {
                        continuation.resume(returning: .failure(error))
                    }
                }
            }
        } onCancel: {
            pace.cancel()
        }
        return try result.get()
    }
}

/// What waits for the thread.
private final class JobList: @unchecked Sendable {  // safe: every property but the lock itself is used under it
    private let parking = Parking()
    private var waiting: Deque<@Sendable () -> Void> = []
    private var closing = false

    func add(_ job: @escaping @Sendable () -> Void) {
        parking.lock()
        waiting.append(job)
        parking.unlock()
        parking.wakeOne()
    }

    func close() {
        parking.lock()
        closing = true
        parking.unlock()
        parking.wakeOne()
    }

    /// The thread's body; returns after `close()`, once nothing waits.
    func work() {
        while let job = next() { job() }
    }

    private func next() -> (@Sendable () -> Void)? {
        parking.lock()
        defer { parking.unlock() }
        while waiting.isEmpty, !closing { parking.park() }
        return waiting.popFirst()
    }
}

/// Lets every other thread of the machine go first.
private func giveWay() {
    #if canImport(Glibc)
    // By the thread's number, which on Linux is what `setpriority` looks at; 0 is the caller.
    setpriority(Int32(PRIO_PROCESS.rawValue), 0, 19)
    var none = sched_param()
    sched_setscheduler(0, batchPolicy, &none)
    #endif
}

/// SCHED_BATCH of <linux/sched.h>: the thread never preempts another one when it wakes.
private let batchPolicy: Int32 = 3
