import Foundation
import MartletCore
import MartletScheduling
import MartletTestSupport
import Synchronization
import Testing

@Suite("ComputeTeam")
struct ComputeTeamTests {
    /// Pieces that a team shares, each done by who takes it, and who came.
    private final class Pieces: @unchecked Sendable {  // safe: `members` is locked, a piece is its taker's alone
        let count: Int
        private let next = Atomic(0)
        /// No lock: what a helper wrote must be seen once `together` has returned.
        private let done: UnsafeMutablePointer<Int>
        // Not a `Mutex`: the thread sanitizer does not know it.
        private let lock = NSLock()
        private var members: [Int] = []

        init(_ count: Int) {
            self.count = count
            done = .allocate(capacity: count)
            done.initialize(repeating: 0, count: count)
        }

        deinit { done.deallocate() }

        func work(as member: Int) {
            lock.withLock { members.append(member) }
            while true {
                let piece = next.wrappingAdd(1, ordering: .relaxed).oldValue
                guard piece < count else { return }
                done[piece] += 1
            }
        }

        var isDoneOnce: Bool { (0..<count).allSatisfy { done[$0] == 1 } }
        var came: [Int] { lock.withLock { members } }
    }

    /// Holds the caller's own call until a helper has come, or for 10 s.
    private static func helperComes(_ team: any ComputeTeam) -> Bool {
        let helped = DispatchSemaphore(value: 0)
        let came = Mutex(false)
        team.together { member in
            if member > 0 {
                helped.signal()
            } else {
                let result = helped.wait(timeout: .now() + 10)
                came.withLock { $0 = result == .success }
            }
        }
        return came.withLock { $0 }
    }

    @Test("does every piece once, with member numbers given out once a call", arguments: [1, 2, 3, 8])
    func everyPieceOnce(threads: Int) throws {
        let team = try ThreadTeam(threads: threads)
        #expect(team.width == threads)
        var random = SeededGenerator(seed: UInt64(threads))
        var helped = 0
        for round in 0..<5_000 {
            let pieces = Pieces(Int.random(in: 0...40, using: &random))
            team.together { pieces.work(as: $0) }
            let came = pieces.came
            guard pieces.isDoneOnce, came.contains(0), Set(came).count == came.count,
                came.allSatisfy({ $0 >= 0 && $0 < threads })
            else {
                Issue.record("round \(round): members \(came)")
                return
            }
            helped += came.count - 1
        }
        #expect(threads > 1 || helped == 0)
    }

    @Test("lets a helper come, and waits for the one that began")
    func waitsForWhoBegan() throws {
        let team = try ThreadTeam(threads: 2)
        for _ in 0..<200 {
            let began = Atomic(false), ended = Atomic(false)
            team.together { member in
                if member == 0 {
                    while !began.load(ordering: .acquiring) {}
                } else {
                    began.store(true, ordering: .releasing)
                    // Long enough for the caller to be back from its own call, and sometimes to park.
                    let end = ContinuousClock.now + .microseconds(400)
                    while ContinuousClock.now < end {}
                    ended.store(true, ordering: .releasing)
                }
            }
            let hasEnded = ended.load(ordering: .acquiring)
            #expect(hasEnded)
        }
    }

    @Test("runs a second caller alone while the helpers are another's")
    func secondCaller() throws {
        let team = try ThreadTeam(threads: 2)
        let inner = Mutex<[Int]>([])
        team.together { member in
            guard member == 0 else { return }
            #expect(team.idleThreads == 0)
            team.together { member in inner.withLock { $0.append(member) } }
        }
        #expect(inner.withLock { $0 } == [0])
        #expect(Self.helperComes(team))
    }

    @Test("lets an idle worker of a pool join a batch that is worth it, and none join a small one")
    func poolHelps() throws {
        let came = Mutex<[Int: Bool]>([:])
        let pool = try ComputePool<FakeWork>(
            threads: 2, batchTokensMax: 512, queueTokensMax: 4_096, helperTokensMin: 64
        ) { _, team in
            { works in
                let tokens = works.reduce(0) { $0 + $1.costTokens }
                if tokens >= 64 {
                    let helped = Self.helperComes(team)
                    came.withLock { $0[tokens] = helped }
                } else {
                    let members = Mutex<[Int]>([])
                    team.together { member in members.withLock { $0.append(member) } }
                    came.withLock { $0[tokens] = members.withLock { $0 } != [0] }
                }
                for work in works { work.run() }
            }
        }
        let ended = DispatchSemaphore(value: 0)
        for tokens in [512, 20, 64, 63] {
            try pool.submit(FakeWork(tokens: tokens, model: FakeModel(), onEnd: { ended.signal() }))
            #expect(ended.wait(timeout: .now() + 20) == .success)
        }
        pool.shutdown()
        #expect(came.withLock { $0 } == [512: true, 20: false, 64: true, 63: false])
        #expect(pool.snapshot.helped == 2)
    }

    @Test("takes what is queued before it helps")
    func queueFirst() throws {
        let order = Mutex<[String]>([])
        let (secondRan, firstRuns) = (DispatchSemaphore(value: 0), DispatchSemaphore(value: 0))
        let pool = try ComputePool<FakeWork>(threads: 2, batchTokensMax: 512, queueTokensMax: 4_096) { _, team in
            { works in
                if works[0].name == "large" {
                    firstRuns.signal()
                    // Both others are queued when this opens: the other worker has them to run first.
                    #expect(secondRan.wait(timeout: .now() + 10) == .success)
                    let helped = DispatchSemaphore(value: 0)
                    team.together { member in
                        if member == 0 {
                            #expect(helped.wait(timeout: .now() + 10) == .success)
                        } else {
                            order.withLock { $0.append("help") }
                            helped.signal()
                        }
                    }
                } else {
                    order.withLock { $0.append(works[0].name) }
                    if works[0].name == "a" { secondRan.signal() }
                }
                for work in works { work.run() }
            }
        }
        let (model, other) = (FakeModel(), FakeModel())
        let ended = DispatchSemaphore(value: 0)
        try pool.submit(FakeWork("large", tokens: 512, model: model, onEnd: { ended.signal() }))
        #expect(firstRuns.wait(timeout: .now() + 10) == .success)
        try pool.submit([FakeWork("a", tokens: 10, model: model), FakeWork("b", tokens: 10, model: other)])
        #expect(ended.wait(timeout: .now() + 10) == .success)
        // At a shutdown a worker with nothing to do ends; it no longer waits for others to want it.
        pool.shutdown()
        #expect(order.withLock { $0 } == ["a", "b", "help"])
    }

    @Test("ends in good order at a shutdown in the middle of helping, over many seeded rounds", arguments: [2, 3, 4])
    func shutdownWhileHelping(threads: Int) throws {
        for seed in 0..<150 {
            var random = SeededGenerator(seed: UInt64(seed))
            let lost = Atomic(0)
            let pool = try ComputePool<FakeWork>(
                threads: threads, batchTokensMax: 256, queueTokensMax: 1 << 20, helperTokensMin: 32
            ) { _, team in
                { works in
                    for _ in 0..<3 {
                        let pieces = Pieces(works.count * 7)
                        team.together { pieces.work(as: $0) }
                        if !pieces.isDoneOnce || Set(pieces.came).count != pieces.came.count {
                            lost.wrappingAdd(1, ordering: .relaxed)
                        }
                    }
                    for work in works { work.run() }
                }
            }
            let models = [FakeModel(), FakeModel()]
            var works: [FakeWork] = []
            for _ in 0..<Int.random(in: 1...60, using: &random) {
                works.append(
                    FakeWork(
                        tokens: Int.random(in: 1...300, using: &random),
                        model: models[Int.random(in: 0...1, using: &random)]))
                try pool.submit(works[works.count - 1])
            }
            pool.shutdown()
            guard works.allSatisfy({ $0.allFates == [.run] }), lost.load(ordering: .relaxed) == 0 else {
                Issue.record("seed \(seed)")
                return
            }
        }
    }
}
