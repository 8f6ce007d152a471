internal import MartletArtifact
internal import MartletCore
internal import MartletEncoder
internal import MartletText

/// The smaller precision, what it costs, and the answers that every load is compared with.
extension Converter {
    func quantise(
        _ model: FloatModel, _ manifest: Manifest, _ tokenizer: BertTokenizer
    ) throws(MartletError) -> (tensors: TensorList, receipt: QualityReceipt) {
        let texts = (options.calibrationTexts ?? CalibrationTexts.builtIn).filter { !$0.isEmpty }
        let encodings = texts.map {
            tokenizer.encode(TextInput($0), tokensMax: model.configuration.maxPositions, cutting: .right)
        }
        let classifier = try classifier(model, manifest)
        let gate = options.gate ?? ConvertOptions.defaultGate(classifier == nil ? .embedding : .classification)
        let inputs = InputStatistics()
        let floats = try answers(model, model.tensors, manifest.pooling, encodings, inputs) {
            tell(.measuringFloat, 0.1 + 0.25 * $0)
        }
        if let failure = inputs.failure { throw failure }
        let measurement = QualityMeasurement(classifier: classifier, float: floats)

        // Smoothing is chosen with plain rounding, which takes no time; then the choice is rounded with care.
        var best: (tensors: TensorList, receipt: QualityReceipt)?
        func attempt(_ scheme: Int8Scheme, _ begin: Double, _ share: Double) throws(MartletError) {
            let tensors = Quantiser.quantise(model, scheme, inputs) { tell(.quantising, begin + share * 0.8 * $0) }
            let int8 = try answers(model, tensors, manifest.pooling, encodings, nil) {
                tell(.measuringInt8, begin + share * (0.8 + 0.2 * $0))
            }
            let receipt = measurement.receipt(int8, scheme: scheme, gate: gate)
            if let best, !receipt.isBetter(than: best.receipt) { return }
            best = (tensors, receipt)
        }
        let share = 0.2 / Double(max(1, options.schemes.count))
        for (index, scheme) in options.schemes.enumerated() {
            try attempt(scheme, 0.35 + share * Double(index), share)
        }
        if var scheme = best?.receipt.scheme {
            scheme.rounding = .compensated
            try attempt(scheme, 0.55, 0.39)
        }
        guard let best else { throw MartletError(.internalError, "no precision was tried") }
        guard best.receipt.passes || options.force else {
            throw MartletError(
                .failedPrecondition,
                best.receipt.loss + ". Give texts like the model's traffic (--calibration FILE), keep floats "
                    + "(--precision float32), or accept it (--force).")
        }
        return best
    }

    /// Nil for a model that gives vectors.
    private func classifier(_ model: FloatModel, _ manifest: Manifest) throws(MartletError) -> ClassifierHead? {
        guard let problem = manifest.problemType else { return nil }
        guard let head = Head(model.tensors) else {
            throw MartletError(.internalError, "the model lost its head while it was converted")
        }
        return ClassifierHead(problem: problem, head: head)
    }

    /// Vectors of all encodings, in order.
    private func answers(
        _ model: FloatModel, _ tensors: TensorList, _ pooling: Pooling?, _ encodings: [Encoding],
        _ observer: InputStatistics?, _ tell: (Double) -> Void
    ) throws(MartletError) -> TextVectors {
        var configuration = model.configuration
        var tensors = tensors
        if pooling == nil {
            configuration.labels = configuration.hiddenSize
            tensors.setIdentityHead(hidden: configuration.hiddenSize)
        }
        let runner = try EncoderRunner(configuration, tensors)
        let total = max(1, encodings.reduce(0) { $0 + $1.ids.count })
        var done = 0
        var vectors = TextVectors()
        for encoding in encodings {
            if pooling == nil { vectors.pooled.append(try runner.run(encoding)) }
            // Means see every row of the last layer, where the others see the first rows alone.
            let mean = pooling == .cls && observer == nil
                ? [] : try runner.run(encoding, output: .meanEmbedding, observer: observer)
            vectors.embeddings.append(pooling == .cls ? try runner.run(encoding, output: .clsEmbedding) : mean)
            done += encoding.ids.count
            tell(Double(done) / Double(total))
        }
        return vectors
    }

    func golden(
        _ model: FloatModel, _ tensors: TensorList, _ pooling: Pooling?, _ tokenizer: BertTokenizer
    ) throws(MartletError) -> [GoldenExample] {
        let output = EncoderOutput(pooling)
        let own = try EncoderRunner(model.configuration, tensors)
        let float =
            options.precision == .float32 ? own : try EncoderRunner(model.configuration, model.tensors)
        let inputs = GoldenTexts.inputs(tokensMax: model.configuration.maxPositions) {
            tokenizer.encode($0).ids.count
        }
        var examples: [GoldenExample] = []
        for input in inputs {
            let encoding = tokenizer.encode(input)
            examples.append(
                GoldenExample(
                    text: input.text, pair: input.pair, answer: try own.run(encoding, output: output),
                    floatAnswer: try float.run(encoding, output: output), tokens: encoding.ids,
                    isVector: pooling != nil))
        }
        return examples
    }
}

extension QualityReceipt {
    /// Clear answers first, then the mean cosines of what the head sees and of the embedding. Agreement on unclear
    /// answers is left out: among a few hundred texts it is a matter of luck. Without a head the lowest cosine goes
    /// first, for the gate looks at it.
    func isBetter(than other: QualityReceipt) -> Bool {
        guard answers != nil else {
            return (minEmbeddingCosine ?? 0, vectorCosine) > (other.minEmbeddingCosine ?? 0, other.vectorCosine)
        }
        return (gated, vectorCosine) > (other.gated, other.vectorCosine)
    }

    private var vectorCosine: Double {
        guard let answers else { return meanEmbeddingCosine ?? 0 }
        return answers.meanPooledCosine + (meanEmbeddingCosine ?? answers.meanPooledCosine)
    }

    /// What int8 costs, for one who asked for less.
    fileprivate var loss: String {
        guard let answers else {
            return "int8 turns vectors too far: the lowest cosine to the float path's is \(gated) on \(sentences) "
                + "texts, the gate is \(gate)"
        }
        return "int8 changes too many answers: a share of \(answers.clearAgreement) of the "
            + "\(answers.clearSentences) texts with a clear answer keep it, the gate is \(gate); largest score drift "
            + "\(answers.maxScoreDrift)"
    }
}
