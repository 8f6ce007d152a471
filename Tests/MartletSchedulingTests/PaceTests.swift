import Foundation
import MartletCore
import MartletScheduling
import Synchronization
import Testing

@Suite("The pace of work that may wait", .timeLimit(.minutes(5)))
struct PaceTests {
    @Test(
        "once others keep an eighth of the cores busy, a job has an eighth of the rest, a sixteenth of a core at least",
        arguments: [
            // Cores, milliseconds of the others' CPU time in 8 ms, milliseconds of rest after 1 ms.
            (1, 0, 0), (1, 1, 0), (1, 4, 15), (1, 8, 15), (2, 2, 0), (2, 8, 7), (2, 16, 15), (2, 99, 15), (8, 8, 0),
            (8, 32, 1), (8, 48, 3), (16, 17, 0), (16, 64, 0), (16, 96, 1), (64, 256, 0), (64, 480, 1), (0, 4, 15),
        ])
    func rest(cores: Int, others: Int, rest: Int) {
        let due = BackgroundThread.Pace.rest(
            worked: .milliseconds(1), others: .milliseconds(others), elapsed: .milliseconds(8), cores: cores)
        #expect(due == .milliseconds(rest))
    }

    @Test("work too short for a rest, and others' clocks that stand still, cost none")
    func nothing() {
        for (worked, elapsed) in [(0, 0), (0, 8), (2, 0)] {
            let due = BackgroundThread.Pace.rest(
                worked: .milliseconds(worked), others: .zero, elapsed: .milliseconds(elapsed), cores: 2)
            #expect(due == .zero)
        }
    }

    @Test("beside a busy thread a job has about a sixteenth of its time")
    func share() async throws {
        let isOver = Flag()
        let burner = Thread { while !isOver.isSet { burn(microseconds: 100) } }
        burner.start()
        defer { isOver.set() }
        let background = try BackgroundThread(name: "test", cores: 1)
        let share = try await background.perform { (pace) throws(MartletError) in
            let (cpu, wall) = (seconds(CLOCK_THREAD_CPUTIME_ID), seconds(CLOCK_MONOTONIC))
            while seconds(CLOCK_THREAD_CPUTIME_ID) - cpu < 0.05 {
                burn(microseconds: 200)
                try pace.check()
            }
            return (seconds(CLOCK_THREAD_CPUTIME_ID) - cpu) / (seconds(CLOCK_MONOTONIC) - wall)
        }
        // A machine with more to do makes it smaller, never larger; the first stretch has no rest before it.
        #expect(share < 0.1)
    }

    @Test("a job that others wait for never rests")
    func haste() async throws {
        let background = try BackgroundThread(name: "test", cores: 1)
        let isOver = Flag()
        let burner = Thread { while !isOver.isSet { burn(microseconds: 100) } }
        burner.start()
        defer { isOver.set() }
        let sleeps = try await background.perform(isAwaited: { true }) { (pace) throws(MartletError) in
            let before = voluntarySwitches()
            let cpu = seconds(CLOCK_THREAD_CPUTIME_ID)
            while seconds(CLOCK_THREAD_CPUTIME_ID) - cpu < 0.05 {
                burn(microseconds: 200)
                try pace.check()
            }
            return voluntarySwitches() - before
        }
        #expect(sleeps == 0)
    }

    @Test("a rest ends once somebody waits for the job, or nobody any more", arguments: [true, false])
    func interrupted(isCancelled: Bool) async throws {
        let isOver = Flag()
        let burner = Thread { while !isOver.isSet { burn(microseconds: 100) } }
        burner.start()
        defer { isOver.set() }
        let background = try BackgroundThread(name: "test", cores: 1)
        let asked = Count()
        let resting = Mutex<BackgroundThread.Pace?>(nil)
        let asks = try await background.perform(isAwaited: {
            guard asked.next() == 5 else { return false }
            if isCancelled { resting.withLock { $0 }?.cancel() }
            return !isCancelled
        }) { (pace) throws(MartletError) in
            resting.withLock { $0 = pace }
            // Whole, the rest after it would ask twenty times or more; without a rest it is asked once.
            burn(microseconds: 30_000)
            asked.begin()
            pace.rest()
            resting.withLock { $0 = nil }
            return asked.value
        }
        #expect(asks == 5)
    }

    @Test("cancelled, it neither rests nor goes on")
    func cancelled() {
        let pace = BackgroundThread.Pace(cores: 1)
        #expect(pace.goesOn())
        pace.cancel()
        #expect(!pace.goesOn())
        #expect(throws: MartletError.self) { try pace.check() }
    }
}

private final class Count: Sendable {
    private let number = Atomic(0)
    var value: Int { number.load(ordering: .relaxed) }
    func begin() { number.store(0, ordering: .relaxed) }
    func next() -> Int { number.wrappingAdd(1, ordering: .relaxed).newValue }
}

private final class Flag: Sendable {
    private let value = Atomic(false)
    var isSet: Bool { value.load(ordering: .relaxed) }
    func set() { value.store(true, ordering: .relaxed) }
}

private func seconds(_ clock: clockid_t) -> Double {
    var time = timespec()
    clock_gettime(clock, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
}

/// How often this thread gave its core away by itself.
private func voluntarySwitches() -> Int {
    var usage = rusage()
    getrusage(__rusage_who_t(1), &usage)
    return usage.ru_nvcsw
}

private func burn(microseconds: Int) {
    let end = seconds(CLOCK_THREAD_CPUTIME_ID) + Double(microseconds) / 1e6
    while seconds(CLOCK_THREAD_CPUTIME_ID) < end {}
}
