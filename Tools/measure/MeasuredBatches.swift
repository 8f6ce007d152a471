import MartletEncoder

/// Batches of random token ids.
enum MeasuredBatches {
    /// One sequence of each length.
    static func batch(of lengths: some Sequence<Int>) -> PackedBatch {
        var batch = PackedBatch()
        var state: UInt64 = 7
        for length in lengths {
            let ids = (0..<length).map { _ -> Int32 in
                state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                return Int32((state >> 33) % 30_000)
            }
            batch.append(ids: ids)
        }
        return batch
    }

    /// Sequences packed in the order given, at most `tokensMax` tokens a batch unless one alone has more.
    static func packed(_ lengths: [Int], tokensMax: Int = 2_048) -> [PackedBatch] {
        var batches: [PackedBatch] = []
        var start = 0
        while start < lengths.count {
            var end = start, tokens = 0
            while end < lengths.count, end == start || tokens + lengths[end] <= tokensMax {
                tokens += lengths[end]
                end += 1
            }
            batches.append(batch(of: lengths[start..<end]))
            start = end
        }
        return batches
    }
}
