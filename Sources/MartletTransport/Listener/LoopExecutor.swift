internal import NIOCore
internal import Synchronization

/// Runs a connection's call tasks on its event loop.
///
/// A hop to the global pool and back costs ten times the framing of a small call. Jobs made while frames are read wait
/// until the read is over and then run in one go, so that their answers leave in one write.
final class LoopExecutor: TaskExecutor,
    @unchecked Sendable // safe: `local` is touched on `loop` only, `remote` is locked
{
    let loop: any EventLoop
    private var local: [UnownedJob] = []
    private var flushes: [() -> Void] = []
    private var isRunning = false
    private var isScheduled = false
    private let remote = Mutex(Remote())

    private struct Remote {
        var jobs: [UnownedJob] = []
        var isScheduled = false
    }

    init(loop: any EventLoop) { self.loop = loop }

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        if loop.inEventLoop {
            local.append(job)
            guard !isRunning, !isScheduled else { return }
            isScheduled = true
            loop.execute { self.runScheduled() }
        } else {
            let mustSchedule = remote.withLock { remote in
                remote.jobs.append(job)
                defer { remote.isScheduled = true }
                return !remote.isScheduled
            }
            if mustSchedule { loop.execute { self.runRemote() } }
        }
    }

    /// Runs what is enqueued now, and what those jobs enqueue, up to a bound that leaves the loop its turn for I/O.
    func runJobs() {
        guard !isRunning else { return }
        isRunning = true
        let executor = asUnownedTaskExecutor()
        var rounds = 0
        while !local.isEmpty, rounds < 16 {
            rounds += 1
            let jobs = local
            local = []
            for job in jobs { job.runSynchronously(on: executor) }
        }
        isRunning = false
        let due = flushes
        flushes = []
        for flush in due { flush() }
        if !local.isEmpty, !isScheduled {
            isScheduled = true
            loop.execute { self.runScheduled() }
        }
    }

    /// Calls `flush` once the running jobs are through; true when jobs are running, otherwise the caller sees to it.
    func afterJobs(_ flush: @escaping () -> Void) -> Bool {
        guard isRunning else { return false }
        flushes.append(flush)
        return true
    }

    private func runScheduled() {
        isScheduled = false
        runJobs()
    }

    private func runRemote() {
        let jobs = remote.withLock { remote in
            remote.isScheduled = false
            defer { remote.jobs = [] }
            return remote.jobs
        }
        local.append(contentsOf: jobs)
        runJobs()
    }
}
