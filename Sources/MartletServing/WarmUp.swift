internal import MartletCore
internal import MartletEncoder
internal import MartletScheduling

/// Runs a version before its first caller does, so that no caller meets memory, tables and code for the first time.
package enum WarmUp {
    /// Batches at most, and how long they may take, rests included: a version that is late helps nobody either.
    package static let batchesMax = 10
    static let timeMax: Duration = .milliseconds(400)

    /// What to run: batches of texts by their lengths in tokens.
    ///
    /// Single texts over the whole spread of `lengths`, then full batches drawn from it. Without traffic so far, every
    /// length that a bucket ends at counts the same.
    /// - Parameter batchTokens: of a full batch; more than one pass of the encoder takes would warm nothing new.
    package static func batches(like lengths: LengthCounts, maxTokens: Int, batchTokens: Int) -> [[Int]] {
        var lengths = lengths
        if lengths.total == 0 {
            for bound in LengthCounts.bounds where bound < maxTokens { lengths.add(bound) }
            lengths.add(maxTokens)
        }
        func draw(_ share: Double) -> Int { max(1, min(maxTokens, lengths.length(at: share) ?? maxTokens)) }
        let singles = 8
        var batches = (0..<singles).map { [draw((Double($0) + 0.5) / Double(singles))] }
        // Steps of the golden ratio: any number of them lies evenly over the spread.
        var share = 0.5
        while batches.count < batchesMax {
            var batch: [Int] = []
            var tokens = 0
            repeat {
                share = (share + 0.618_033_988_75).truncatingRemainder(dividingBy: 1)
                batch.append(draw(share))
                tokens += batch.last ?? 1
            } while tokens < batchTokens
            if tokens > batchTokens, batch.count > 1 { batch.removeLast() }
            batches.append(batch)
        }
        return batches
    }

    /// Makes `scratches` scratches, as many as threads may ask for at once, and runs `batches` with them in turn.
    /// - Throws: `.cancelled`, and what the encoder throws.
    static func run(
        _ model: ServedModel, _ batches: [[Int]], scratches: Int, pace: BackgroundThread.Pace
    ) throws(MartletError) {
        try model.prepareScratches(count: scratches)
        let end = ContinuousClock.now + timeMax
        var results: [Float] = []
        for lengths in batches {
            try pace.check()
            guard ContinuousClock.now < end else { return }
            var batch = PackedBatch()
            for length in lengths { batch.append(ids: ids(length, model)) }
            results.removeAll(keepingCapacity: true)
            try model.withScratch { scratch throws(MartletError) in
                try model.encoder.run(
                    batch, output: EncoderOutput(model.pooling), scratch: scratch, isCancelled: { !pace.goesOn() },
                    results: &results)
            }
        }
    }

    /// A text of `length` tokens from all over the vocabulary.
    private static func ids(_ length: Int, _ model: ServedModel) -> [Int32] {
        let vocabulary = max(1, model.tokenizer.vocabularySize)
        return (0..<length).map { place in Int32(clamping: (place &* 7_919 &+ 1_009) % vocabulary) }
    }
}
