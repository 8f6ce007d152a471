import MartletServing
import Testing

@Suite("Warming a version up")
struct WarmUpTests {
    @Test("lengths are counted in buckets of two for each doubling, and a share finds its bucket's bound")
    func counts() {
        var counts = LengthCounts()
        #expect(counts.length(at: 0.5) == nil)
        for length in [1, 8, 9, 60, 64, 65, 100_000] { counts.add(length) }
        #expect(counts.total == 7 && counts.counts.count == LengthCounts.bounds.count + 1)
        let found = (0..<7).map { counts.length(at: Double($0) / 7 + 0.01) }
        #expect(found == [8, 8, 12, 64, 64, 96, 8_192])
        #expect(counts.length(at: -1) == 8 && counts.length(at: 2) == 8_192)
    }

    @Test("what came lately says most: a million old texts are outweighed by as many new ones")
    func lately() {
        var counts = LengthCounts()
        for _ in 0..<1_500_000 { counts.add(500) }
        for _ in 0..<1_500_000 { counts.add(10) }
        #expect(counts.total <= 1 << 20)
        #expect(counts.length(at: 0.5) == 12 && counts.length(at: 0.99) == 512)
    }

    @Test("warm-up batches are as long as the traffic's texts, fill a batch, and are bounded in number")
    func drawn() {
        var counts = LengthCounts()
        for _ in 0..<90 { counts.add(30) }
        for _ in 0..<10 { counts.add(400) }
        let batches = WarmUp.batches(like: counts, maxTokens: 512, batchTokens: 2_048)
        #expect(batches.count == WarmUp.batchesMax)
        let lengths = batches.flatMap { $0 }
        #expect(Set(lengths) == [32, 512])
        let long = lengths.count { $0 == 512 }
        #expect((lengths.count / 20...lengths.count / 5).contains(long), "\(long) of \(lengths.count)")
        let full = batches.filter { $0.count > 1 }
        #expect(!full.isEmpty && full.allSatisfy { (1_024...2_048).contains($0.reduce(0, +)) })
    }

    @Test("without traffic lengths from all over are run up to the model's longest, and none above", arguments: [1, 64, 512])
    func spread(maxTokens: Int) {
        let batches = WarmUp.batches(like: LengthCounts(), maxTokens: maxTokens, batchTokens: 2_048)
        let lengths = Set(batches.flatMap { $0 })
        #expect(lengths.max() == maxTokens && (lengths.min() ?? 0) >= 1)
        #expect(lengths.count >= min(4, LengthCounts.bounds.count { $0 < maxTokens }))
    }

    @Test("a batch smaller than one text is that text alone")
    func small() {
        let batches = WarmUp.batches(like: LengthCounts(), maxTokens: 64, batchTokens: 1)
        #expect(batches.allSatisfy { $0.count == 1 } && batches.count == WarmUp.batchesMax)
    }
}
