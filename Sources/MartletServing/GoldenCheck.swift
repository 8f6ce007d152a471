internal import MartletArtifact
internal import MartletCore
internal import MartletEncoder
internal import MartletScheduling

/// Compares what a loaded version answers with what its converter wrote down, before any caller sees it.
enum GoldenCheck {
    /// - Throws: `.failedPrecondition` naming the example, the place and both values; `.cancelled`.
    static func run(
        _ artifact: ModelArtifact, on model: ServedModel, pace: BackgroundThread.Pace
    ) throws(MartletError) {
        var tokens: [[Int32]] = []
        var actual: [[Float]] = []
        for example in artifact.golden {
            try pace.check()
            let encoding = model.tokenizer.encode(example.input)
            var batch = PackedBatch()
            batch.append(ids: encoding.ids, typeIDs: encoding.typeIDs)
            var answer: [Float] = []
            try model.withScratch { scratch throws(MartletError) in
                try model.encoder.run(
                    batch, output: EncoderOutput(model.pooling), scratch: scratch, isCancelled: { !pace.goesOn() },
                    results: &answer)
            }
            tokens.append(encoding.ids)
            actual.append(answer)
        }
        _ = try GoldenComparison.check(
            artifact.golden, actual: actual, tokens: tokens, precision: artifact.manifest.precision)
    }
}
