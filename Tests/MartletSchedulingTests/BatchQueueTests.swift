import MartletCore
import MartletScheduling
import MartletTestSupport
import Testing

@Suite("BatchQueue")
struct BatchQueueTests {
    private func check(_ transcript: QueueTranscript, _ script: String) {
        let played = transcript.play(script)
        #expect(played == script, "\n\(played)\n")
    }

    @Test("packs works of one model up to the batch's tokens, in order")
    func packs() {
        check(
            QueueTranscript(batch: 100, queue: 1_000),
            """
            > + a m 40
            > + b m 40
            > + c m 30
            > + d m 10
            > waiting
            4 works, 120 tokens
            > next
            run a b
            > next
            run c d
            > next
            nothing
            """)
    }

    @Test("runs a work above the batch's tokens alone")
    func largeAlone() {
        check(
            QueueTranscript(batch: 100, queue: 1_000),
            """
            > + a m 10
            > + b m 500
            > + c m 10
            > next
            run a
            > next
            run b
            > next
            run c
            """)
    }

    @Test("never mixes models, and serves them evenly by tokens")
    func modelsInTurn() {
        check(
            QueueTranscript(batch: 100, queue: 10_000),
            """
            > + a1 a 100
            > + a2 a 100
            > + a3 a 100
            > + b1 b 50
            > + c1 c 100
            > next
            run a1
            > + b2 b 50
            > next
            run b1 b2
            > next
            run c1
            > next
            run a2
            > next
            run a3
            """)
    }

    @Test("a model of small works gets as many tokens as one of large works")
    func evenByTokens() {
        check(
            QueueTranscript(batch: 100, queue: 10_000),
            """
            > + large1 a 100
            > + large2 a 100
            > + s1 b 50 alone
            > + s2 b 50 alone
            > + s3 b 50 alone
            > + s4 b 50 alone
            > next
            run large1
            > next
            run s1
            > next
            run s2
            > next
            run large2
            > next
            run s3
            > next
            run s4
            """)
    }

    @Test("a model whose lane empties all the time does not starve one that is always behind")
    func noStarvationByEmptyLanes() {
        check(
            QueueTranscript(batch: 100, queue: 10_000),
            """
            > + a1 a 100
            > + a2 a 100
            > + a3 a 100
            > + b1 b 100
            > next
            run a1
            > next
            run b1
            > + b2 b 100
            > next
            run a2
            > next
            run b2
            > + b3 b 100
            > next
            run a3
            """)
    }

    @Test("classes are strict until waiting raises a work")
    func classes() {
        check(
            QueueTranscript(batch: 100, queue: 10_000),
            """
            > + bulk m 100 bulk
            > + standard m 100
            > + now1 m 100 interactive
            > next
            run now1
            > + now2 m 100 interactive
            > next
            run now2
            > next
            run standard
            > + now3 m 100 interactive
            > pass 999
            > + now4 m 100 interactive
            > next
            run now3
            > next
            run now4
            > + now5 m 100 interactive
            > pass 1
            > next
            run bulk
            > next
            run now5
            """)
    }

    @Test("a class that waited long has no credit from that time")
    func noCredit() {
        check(
            QueueTranscript(batch: 100, queue: 10_000),
            """
            > + b1 b 100 bulk
            > + b2 b 100 bulk
            > + b3 b 100 bulk
            > + a1 a 100 interactive
            > + a2 a 100 interactive
            > + a3 a 100 interactive
            > next
            run a1
            > pass 5000
            > next
            run b1
            > next
            run b2
            > next
            run a2
            > next
            run b3
            > next
            run a3
            """)
    }

    @Test("refuses when full, saying when to come back, and takes a call whole or not at all")
    func full() {
        check(
            QueueTranscript(batch: 100, queue: 100, workers: 2),
            """
            > + a m 80
            > + b m 30
            RESOURCE_EXHAUSTED (retry after 1000.0 ms)
            > measured 100 50
            > + b m 30
            RESOURCE_EXHAUSTED (retry after 20.0 ms)
            > + c m 20 , d m 1
            RESOURCE_EXHAUSTED (retry after 20.0 ms)
            > waiting
            1 works, 80 tokens
            > + c m 10 , d m 10
            > waiting
            3 works, 100 tokens
            > + never m 101
            RESOURCE_EXHAUSTED
            > + never m 9223372036854775807 , ever m 9223372036854775807
            RESOURCE_EXHAUSTED
            > next
            run a c d
            """)
    }

    @Test("runs nothing whose deadline has passed or that nobody waits for")
    func deadlines() {
        check(
            QueueTranscript(batch: 100, queue: 1_000),
            """
            > + a m 10 by 5
            > + b m 10 by 50
            > + c m 10
            > + d m 10
            > cancel c
            > pass 5
            > + late m 10 by 5
            DEADLINE_EXCEEDED
            > next
            refuse a: DEADLINE_EXCEEDED
            refuse c: CANCELLED
            run b d
            > + e m 10 by 51
            > pass 100
            > waiting
            1 works, 10 tokens
            > next
            refuse e: DEADLINE_EXCEEDED
            > next
            nothing
            """)
    }

    @Test("turns away what would still wait at its deadline, counting only what goes before it")
    func hopeless() {
        check(
            QueueTranscript(batch: 100, queue: 1_000),
            """
            > measured 100 100
            > + a m 400 bulk
            > + b m 100 bulk by 399
            RESOURCE_EXHAUSTED (retry after 400.0 ms)
            > + b m 100 bulk by 401
            > + c m 5000 interactive by 1
            RESOURCE_EXHAUSTED
            > + c m 500 interactive by 1
            > next
            run c
            """)
    }

    @Test("cuts a batch smaller while other workers are idle, but not below the least")
    func shared() {
        check(
            QueueTranscript(batch: 100, queue: 1_000, split: 20),
            """
            > + a m 20
            > + b m 20
            > + c m 20
            > + d m 20
            > next 1
            run a b
            > next 7
            run c
            > next
            run d
            """)
    }

    @Test("loses no work, keeps its bounds and its order", arguments: 0..<50)
    func properties(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let batchMax = Int.random(in: 1...200, using: &random)
        let queueMax = Int.random(in: 200...2_000, using: &random)
        var settings = BatchQueue<FakeWork>.Settings(batchTokensMax: batchMax, queueTokensMax: queueMax)
        settings.splitTokensMin = Int.random(in: 0...100, using: &random)
        var queue = BatchQueue<FakeWork>(settings)
        let models = (0..<4).map { _ in FakeModel() }
        let start = ContinuousClock.now
        var now = start
        var admitted: [FakeWork] = []
        var ended: [String: Int] = [:]
        var lastOfLane: [String: Int] = [:]

        func take() -> Bool {
            let batch = queue.nextBatch(at: now, idleWorkers: Int.random(in: 0...2, using: &random))
            for (work, error) in batch.refused {
                ended[work.name, default: 0] += 1
                #expect(
                    error.code == .cancelled
                        ? work.isCancelled : (work.deadline.instant.map { $0 <= now } ?? false), "seed \(seed)")
            }
            #expect(Set(batch.works.map(\.batchKey)).count <= 1)
            #expect(batch.tokens == batch.works.reduce(0) { $0 + $1.costTokens })
            #expect(batch.works.count <= 1 || batch.tokens <= batchMax)
            #expect(batch.works.count <= 1 || batch.works.allSatisfy(\.sharesBatches))
            for work in batch.works {
                ended[work.name, default: 0] += 1
                #expect(!work.isCancelled)
                #expect(work.deadline.instant.map { $0 > now } ?? true)
                let lane = "\(work.batchKey) \(work.priority)"
                #expect(lastOfLane[lane, default: -1] < Int(work.name) ?? -1, "seed \(seed): out of order")
                lastOfLane[lane] = Int(work.name)
            }
            return !batch.isEmpty
        }

        for number in 0..<400 {
            let model = models[Int.random(in: 0..<4, using: &random)]
            let late = Int.random(in: 0..<4, using: &random) == 0
            let work = FakeWork(
                "\(number)", tokens: Int.random(in: 1...(batchMax + 50), using: &random), model: model,
                priority: WorkPriority.allCases.randomElement(using: &random) ?? .bulk,
                deadline: late
                    ? Deadline(now.advanced(by: .milliseconds(Int.random(in: 1...50, using: &random)))) : .none,
                sharesBatches: Int.random(in: 0..<8, using: &random) > 0)
            do throws(MartletError) {
                try queue.admit(CollectionOfOne(work), at: now)
                admitted.append(work)
            } catch {
                #expect(error.code == .resourceExhausted)
                #expect(work.costTokens > queueMax || (error.retryAfter ?? .zero) > .zero)
            }
            #expect(queue.queuedTokens <= queueMax)
            if Int.random(in: 0..<10, using: &random) == 0 { admitted.randomElement(using: &random)?.cancel() }
            now = now.advanced(by: .milliseconds(Int.random(in: 0...20, using: &random)))
            if Int.random(in: 0..<3, using: &random) == 0 { _ = take() }
        }
        while take() {}
        #expect(queue.queuedTokens == 0)
        #expect(queue.queuedWorks == 0)
        #expect(admitted.allSatisfy { ended[$0.name] == 1 }, "seed \(seed): a work was lost or ended twice")
        #expect(ended.count == admitted.count)
    }

    @Test("starves nobody: under a flood of other classes and models every work runs", arguments: 0..<20)
    func noStarvation(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        var queue = BatchQueue<FakeWork>(.init(batchTokensMax: 100, queueTokensMax: 100_000))
        let (flood, quiet) = ((0..<3).map { _ in FakeModel() }, FakeModel())
        var now = ContinuousClock.now
        let victim = FakeWork("victim", tokens: 100, model: quiet, priority: .bulk)
        var ran: Int?
        for round in 0..<2_000 where ran == nil {
            // Twice as much as can be served keeps coming.
            for _ in 0..<2 {
                let model = flood[Int.random(in: 0..<3, using: &random)]
                try? queue.admit(CollectionOfOne(FakeWork(tokens: 100, model: model, priority: .interactive)), at: now)
            }
            if round == 100 { try? queue.admit(CollectionOfOne(victim), at: now) }
            now = now.advanced(by: .milliseconds(10))
            if queue.nextBatch(at: now).works.contains(where: { $0 === victim }) { ran = round }
        }
        // It arrived in round 100, and is an equal of the others after 1 s, which is 100 rounds.
        #expect(ran.map { $0 <= 100 + 100 + 5 } ?? false, "seed \(seed): ran in round \(String(describing: ran))")
    }
}
