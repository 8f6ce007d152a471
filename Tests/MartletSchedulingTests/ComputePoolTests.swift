import Foundation
import MartletCore
import MartletScheduling
import MartletTestSupport
import Synchronization
import Testing

@Suite("ComputePool")
struct ComputePoolTests {
    /// A pool whose runner runs each work, and checks what it is given.
    private func pool(
        threads: Int = 2, batch: Int = 512, queue: Int = 1 << 20,
        _ onBatch: @escaping @Sendable ([FakeWork]) -> Void = { _ in }
    ) throws(MartletError) -> ComputePool<FakeWork> {
        try ComputePool(threads: threads, batchTokensMax: batch, queueTokensMax: queue) { _, _ in
            { works in
                onBatch(works)
                for work in works { work.run() }
            }
        }
    }

    @Test("runs every work once, from many producers on several threads", arguments: [1, 2, 4])
    func manyProducers(threads: Int) throws {
        let pool = try pool(threads: threads) { works in
            #expect(!works.isEmpty)
            #expect(Set(works.map(\.batchKey)).count == 1)
        }
        let models = (0..<3).map { _ in FakeModel() }
        let group = DispatchGroup()
        let all = Mutex<[FakeWork]>([])
        for producer in 0..<8 {
            group.enter()
            Thread.detachNewThread {
                var random = SeededGenerator(seed: UInt64(producer))
                var mine: [FakeWork] = []
                for _ in 0..<1_250 {
                    let work = FakeWork(
                        tokens: Int.random(in: 1...100, using: &random), model: models[producer % 3],
                        priority: WorkPriority.allCases.randomElement(using: &random) ?? .bulk)
                    if (try? pool.submit(work)) != nil { mine.append(work) }
                }
                all.withLock { [mine] in $0 += mine }
                group.leave()
            }
        }
        group.wait()
        pool.shutdown()
        let works = all.withLock { $0 }
        #expect(works.count == 10_000)
        #expect(works.allSatisfy { $0.allFates == [.run] })
        let snapshot = pool.snapshot
        #expect(snapshot.started == 10_000)
        #expect(snapshot.queuedTokens == 0 && snapshot.queuedWorks == 0)
        #expect(snapshot.busyThreads == 0 && snapshot.runningTokens == 0)
        #expect(snapshot.refused == 0 && snapshot.turnedAway == 0)
    }

    @Test("refuses when full with a time to come back, and again takes works when there is room")
    func full() throws {
        let (gate, inside) = (DispatchSemaphore(value: 0), DispatchSemaphore(value: 0))
        let pool = try pool(threads: 1, batch: 100, queue: 300) { _ in
            inside.signal()
            gate.wait()
        }
        let model = FakeModel()
        try pool.submit(FakeWork(tokens: 100, model: model))
        inside.wait()
        try pool.submit((0..<3).map { _ in FakeWork(tokens: 100, model: model) })
        let turnedAway = FakeWork(tokens: 1, model: model)
        do {
            try pool.submit(turnedAway)
            Issue.record("the queue is full")
        } catch {
            #expect(error.code == .resourceExhausted)
            #expect((error.retryAfter ?? .zero) > .zero)
        }
        #expect(pool.snapshot.queuedTokens == 300)
        #expect(pool.snapshot.runningTokens == 100)
        #expect(pool.snapshot.turnedAway == 1)
        for _ in 0..<4 { gate.signal() }
        for _ in 0..<3 { inside.wait() }
        gate.signal()
        try pool.submit(FakeWork(tokens: 1, model: model))
        pool.shutdown()
        #expect(turnedAway.allFates == [], "a work turned away at submit is not told again")
        #expect(pool.snapshot.started == 5)
    }

    @Test("refuses expired and cancelled works without running them")
    func dropped() throws {
        let (gate, inside) = (DispatchSemaphore(value: 0), DispatchSemaphore(value: 0))
        let first = Atomic(true)
        let pool = try pool(threads: 1) { _ in
            guard first.exchange(false, ordering: .relaxed) else { return }
            inside.signal()
            gate.wait()
        }
        let model = FakeModel()
        try pool.submit(FakeWork(tokens: 1, model: model))
        inside.wait()
        let cancelled = FakeWork(tokens: 1, model: model)
        // Any time already passed when the gate opens; still ahead when it is submitted.
        let expiring = FakeWork(tokens: 1, model: model, deadline: .after(.milliseconds(20)))
        let fine = FakeWork(tokens: 1, model: model)
        try pool.submit([cancelled, expiring, fine])
        cancelled.cancel()
        while !expiring.deadline.hasPassed {}
        gate.signal()
        pool.shutdown()
        #expect(cancelled.allFates == [.refused(MartletError.Code.cancelled.value)])
        #expect(expiring.allFates == [.refused(MartletError.Code.deadlineExceeded.value)])
        #expect(fine.allFates == [.run])
        #expect(pool.snapshot.refused == 2)
    }

    @Test("finishes what is queued at shutdown, then takes no more")
    func shutdown() throws {
        let pool = try pool(threads: 2)
        let model = FakeModel()
        let works = (0..<1_000).map { _ in FakeWork(tokens: 10, model: model) }
        try pool.submit(works)
        pool.shutdown()
        #expect(works.allSatisfy { $0.allFates == [.run] })
        do {
            try pool.submit(FakeWork(tokens: 1, model: model))
            Issue.record("the pool is shut down")
        } catch {
            #expect(error.code == .unavailable)
        }
        pool.shutdown()
    }

    @Test("ends its threads by itself when nobody holds it any more")
    func dropsWithoutShutdown() throws {
        let ended = DispatchSemaphore(value: 0)
        final class Marker: Sendable {
            let ended: DispatchSemaphore
            init(_ ended: DispatchSemaphore) { self.ended = ended }
            deinit { ended.signal() }
        }
        do {
            let pool = try ComputePool<FakeWork>(threads: 3, batchTokensMax: 10, queueTokensMax: 10) { _, _ in
                let marker = Marker(ended)
                return { works in withExtendedLifetime(marker) { for work in works { work.run() } } }
            }
            try pool.submit(FakeWork(tokens: 1, model: FakeModel()))
        }
        for _ in 0..<3 { #expect(ended.wait(timeout: .now() + 10) == .success) }
    }

    @Test("makes each thread's runner on that thread, and names the thread")
    func runners() throws {
        let names = Mutex<[Int: String]>([:])
        let pool = try ComputePool<FakeWork>(threads: 3, batchTokensMax: 10, queueTokensMax: 10) { number, _ in
            let name = SystemFiles.read("/proc/thread-self/comm") ?? "martlet-cpu-\(number)"
            names.withLock { $0[number] = name.filter { !$0.isNewline } }
            return { _ in }
        }
        pool.shutdown()
        #expect(names.withLock { $0 } == [0: "martlet-cpu-0", 1: "martlet-cpu-1", 2: "martlet-cpu-2"])
    }

    @Test("works on one side never wait for a batch to fill")
    func oneAtATime() throws {
        let ended = DispatchSemaphore(value: 0)
        let pool = try pool(threads: 2)
        let model = FakeModel()
        for _ in 0..<2_000 {
            try pool.submit(FakeWork(tokens: 1, model: model, onEnd: { ended.signal() }))
            #expect(ended.wait(timeout: .now() + 10) == .success)
        }
        pool.shutdown()
        #expect(pool.snapshot.batches == 2_000)
    }

    @Test("performs plain jobs, with their results and their errors")
    func jobs() async throws {
        let pool = try pool(threads: 2)
        let sum = try await withThrowingTaskGroup(of: Int.self) { group in
            for number in 0..<200 {
                group.addTask { try await pool.perform(costTokens: 1) { () throws(MartletError) -> Int in number } }
            }
            return try await group.reduce(0, +)
        }
        #expect(sum == 199 * 200 / 2)
        await #expect(throws: MartletError.self) {
            try await pool.perform(costTokens: 1) { () throws(MartletError) -> Int in
                throw MartletError(.invalidArgument, "no")
            }
        }
        pool.shutdown()
        do {
            _ = try await pool.perform(costTokens: 1) { () throws(MartletError) -> Int in 1 }
            Issue.record("the pool is shut down")
        } catch {
            #expect(error.code == .unavailable)
        }
    }

    @Test("takes a cancelled task's job out of the queue")
    func cancelledJobs() async throws {
        let (gate, inside) = (DispatchSemaphore(value: 0), DispatchSemaphore(value: 0))
        let pool = try pool(threads: 1) { _ in
            inside.signal()
            gate.wait()
        }
        try pool.submit(FakeWork(tokens: 1, model: FakeModel()))
        inside.wait()
        let ran = Atomic(false)
        let task = Task { () async -> MartletError.Code? in
            do throws(MartletError) {
                try await pool.perform(costTokens: 1) { () throws(MartletError) in ran.store(true, ordering: .relaxed) }
                return nil
            } catch {
                return error.code
            }
        }
        while pool.snapshot.queuedWorks == 0 { await Task.yield() }
        task.cancel()
        gate.signal()
        #expect(await task.value == .cancelled)
        let hasRun = ran.load(ordering: .relaxed)
        #expect(!hasRun)
        pool.shutdown()
    }
}
