package import MartletCore
internal import Synchronization

#if canImport(Glibc)
internal import Glibc
#elseif canImport(Darwin)
internal import Darwin
#endif

extension BackgroundThread {
    /// Told to a job: whether anybody still waits for it, and when to rest.
    ///
    /// While the rest of the process is busy, a job has an eighth of what that leaves of the cores, in stretches of a
    /// millisecond with rests between them. A call that meets a stretch is slower by part of that, and most calls meet
    /// none. A job that asks seldom makes longer stretches. While the rest of the process is idle, nothing rests.
    package final class Pace: Sendable {
        /// Of CPU time, until a rest is due: a tenth of what a busy server's slower calls take.
        package static let stretch: Duration = .milliseconds(1)
        /// Busy cores from which on a job rests: one of so many.
        private static let coresPerBusyCore = 8.0
        /// What a job has of the cores' idle time: one part of so many; and of one core at the least.
        private static let partsOfIdle = 8.0, partsMax = 16.0
        /// How long a rest goes on at the most once somebody waits, or nobody any more. Less than a second.
        private static let longestSleep: Duration = .milliseconds(10)

        private let cores: Int
        private let isAwaited: @Sendable () -> Bool
        private let cancelled = Atomic(false)
        /// Nil until the job's thread asks for the first time. Only that thread does.
        private let last = Mutex<Reading?>(nil)

        /// - Parameter isAwaited: asked before a rest and often during it; true: it goes on at once.
        package init(cores: Int, isAwaited: @escaping @Sendable () -> Bool = { false }) {
            self.cores = cores
            self.isAwaited = isAwaited
        }

        private var isCancelled: Bool { cancelled.load(ordering: .relaxed) }

        package func cancel() { cancelled.store(true, ordering: .relaxed) }

        /// Rests if it is time.
        /// - Throws: `.cancelled` when nobody waits any more.
        package func check() throws(MartletError) {
            guard goesOn() else { throw MartletError(.cancelled, "the work was cancelled") }
        }

        /// Rests if it is time; false when nobody waits any more.
        package func goesOn() -> Bool {
            rest()
            return !isCancelled
        }

        /// Returns after the rest that is due, at once when none is.
        package func rest() {
            guard !isAwaited() else { return }
            let due = last.withLock { last in
                let now = Reading()
                guard let before = last else {
                    last = now
                    return Duration.zero
                }
                let worked = now.own - before.own
                guard worked >= Self.stretch else { return .zero }
                last = now
                return Self.rest(
                    worked: worked, others: now.process - before.process - worked, elapsed: now.wall - before.wall,
                    cores: cores)
            }
            var left = due
            while left > .zero, !isCancelled, !isAwaited() {
                let part = min(left, Self.longestSleep)
                var time = timespec(tv_sec: 0, tv_nsec: Int(part.components.attoseconds / 1_000_000_000))
                nanosleep(&time, nil)
                left -= part
            }
        }

        /// What follows `worked` of CPU time while all other threads of the process had `others`, in `elapsed` of time.
        package static func rest(worked: Duration, others: Duration, elapsed: Duration, cores: Int) -> Duration {
            guard elapsed > .zero else { return .zero }
            let cores = Double(max(1, cores)), busy = others / elapsed
            guard busy * coresPerBusyCore > cores else { return .zero }
            let share = min(1, max((cores - busy) / partsOfIdle, 1 / partsMax))
            return worked * (1 / share - 1)
        }
    }
}

/// Time that has passed, by three clocks.
private struct Reading {
    let own = Self.read(CLOCK_THREAD_CPUTIME_ID)
    let process = Self.read(CLOCK_PROCESS_CPUTIME_ID)
    let wall = Self.read(CLOCK_MONOTONIC)

    private static func read(_ clock: clockid_t) -> Duration {
        var time = timespec()
        clock_gettime(clock, &time)
        return .seconds(time.tv_sec) + .nanoseconds(time.tv_nsec)
    }
}
