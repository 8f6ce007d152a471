package import MartletArtifact
package import MartletCore
package import MartletEncoder
package import MartletText

/// Runs one encoder over texts, one after the other, on the calling thread.
package struct EncoderRunner {
    package let model: EncoderModel
    private let scratch: EncoderScratch

    package init(
        _ configuration: EncoderConfiguration, _ tensors: any TensorSource, kernels: KernelTable = .best()
    ) throws(MartletError) {
        model = try EncoderModel(configuration: configuration, tensors: tensors, kernels: kernels)
        scratch = try model.scratch(rowsMax: configuration.maxPositions)
    }

    /// Logits of one encoding, in class order.
    package func logits(_ encoding: Encoding) throws(MartletError) -> [Float] { try run(encoding) }

    /// What the encoder makes of one encoding.
    package func run(
        _ encoding: Encoding, output: EncoderOutput = .logits, observer: (any ActivationObserver)? = nil
    ) throws(MartletError) -> [Float] {
        var batch = PackedBatch()
        batch.append(ids: encoding.ids, typeIDs: encoding.typeIDs)
        var results: [Float] = []
        try model.run(batch, output: output, scratch: scratch, observer: observer, results: &results)
        return results
    }
}

/// Asks a version its golden examples again.
package enum GoldenCheck {
    /// - Throws: `.failedPrecondition` with the figures of the first example whose tokens or answer differ.
    package static func run(
        _ artifact: ModelArtifact, kernels: KernelTable = .best()
    ) throws(MartletError) -> GoldenComparison {
        let tokenizer = try BertTokenizer(tokenizerJSON: artifact.tokenizerJSON)
        let runner = try EncoderRunner(artifact.manifest.configuration, artifact.tensors, kernels: kernels)
        var actual: [[Float]] = []
        var tokens: [[Int32]] = []
        for example in artifact.golden {
            let encoding = tokenizer.encode(example.input)
            tokens.append(encoding.ids)
            guard encoding.ids == example.tokens else {
                // The comparison says what differs; an encoding of other length may not even fit the model.
                actual.append(example.answer)
                continue
            }
            actual.append(try runner.run(encoding, output: EncoderOutput(artifact.manifest.pooling)))
        }
        return try GoldenComparison.check(
            artifact.golden, actual: actual, tokens: tokens, precision: artifact.manifest.precision)
    }
}
