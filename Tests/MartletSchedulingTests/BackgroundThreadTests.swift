import Foundation
import MartletCore
import MartletScheduling
import Synchronization
import Testing

private final class Count: Sendable {
    let value = Atomic(0)
}

@Suite("The thread for what may wait", .timeLimit(.minutes(5)))
struct BackgroundThreadTests {
    @Test("gives way to every other thread, under a name of its own, and the caller keeps its rank")
    func rank() async throws {
        let thread = try BackgroundThread(name: "martlet-behind", cores: 2)
        let (name, own, batch) = await rankAndName(thread)
        #expect(name == "martlet-behind" && own == 19 && batch == 3)
        #expect(getpriority(__priority_which_t(PRIO_PROCESS.rawValue), 0) < 19)
    }

    @Test("one for jobs that somebody waits for has the rank of those who wait")
    func awaitedRank() async throws {
        let (_, own, batch) = await rankAndName(try BackgroundThread(name: "test", cores: 2, givesWay: false))
        #expect(own == getpriority(__priority_which_t(PRIO_PROCESS.rawValue), 0) && batch == sched_getscheduler(0))
    }

    private func rankAndName(_ thread: BackgroundThread) async -> (name: String, nice: Int32, policy: Int32) {
        let found = try? await thread.perform { (_) throws(MartletError) in
            let name = (try? String(contentsOfFile: "/proc/thread-self/comm", encoding: .utf8)) ?? ""
            let nice = getpriority(__priority_which_t(PRIO_PROCESS.rawValue), 0)
            return (name.trimmingCharacters(in: .newlines), nice, sched_getscheduler(0))
        }
        return found ?? ("", 0, 0)
    }

    @Test("jobs run one after another, each gives its value or its error")
    func jobs() async throws {
        let thread = try BackgroundThread(name: "test", cores: 2)
        let running = Count()
        try await withThrowingTaskGroup(of: Int.self) { group in
            for number in 0..<200 {
                group.addTask {
                    try await thread.perform { (_) throws(MartletError) in
                        let others = running.value.wrappingAdd(1, ordering: .relaxed).oldValue
                        defer { running.value.wrappingSubtract(1, ordering: .relaxed) }
                        guard others == 0 else { throw MartletError(.internalError, "two jobs at once") }
                        return number
                    }
                }
            }
            let sum = try await group.reduce(0, +)
            #expect(sum == 199 * 200 / 2)
        }
        let error = await #expect(throws: MartletError.self) {
            try await thread.perform { (_) throws(MartletError) -> Int in throw MartletError(.dataLoss, "torn") }
        }
        #expect(error?.code == .dataLoss)
    }

    @Test("a cancelled job ends when it looks, and one that waits behind it never begins")
    func cancelled() async throws {
        let thread = try BackgroundThread(name: "test", cores: 2)
        let (began, beganSink) = AsyncStream<Void>.makeStream()
        let first = Task {
            try await thread.perform { (pace) throws(MartletError) -> Int in
                beganSink.yield()
                while true { try pace.check() }
            }
        }
        for await _ in began { break }
        let begun = Count()
        let second = Task {
            try await thread.perform { (_) throws(MartletError) in begun.value.store(1, ordering: .relaxed) }
        }
        second.cancel()
        first.cancel()
        for result in [await first.result.map { _ in }, await second.result] {
            let error = #expect(throws: MartletError.self) { try result.get() }
            #expect(error?.code == .cancelled)
        }
        let jobsBegun = begun.value.load(ordering: .relaxed)
        #expect(jobsBegun == 0)
        // It goes on with what comes next.
        let answer = try await thread.perform { (_) throws(MartletError) in 42 }
        #expect(answer == 42)
    }

    @Test("the thread ends with its last owner")
    func ends() async throws {
        for _ in 0..<200 {
            let thread = try BackgroundThread(name: "short-lived", cores: 2)
            _ = try await thread.perform { (_) throws(MartletError) in 1 }
        }
        func left() -> Int {
            let tasks = (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/task")) ?? []
            return tasks.count { task in
                let name = try? String(contentsOfFile: "/proc/self/task/\(task)/comm", encoding: .utf8)
                return name == "short-lived\n"
            }
        }
        while left() > 0 { await Task.yield() }
    }
}
