internal import MartletArtifact
package import MartletCore
internal import MartletEncoder
internal import MartletText

/// Turns a published model folder into a version and measures what the smaller precision costs.
///
/// Reads `config.json`, `model.safetensors` (whole or in parts), `tokenizer.json` or `vocab.txt`, and what a
/// sentence-transformers folder says about pooling.
package struct Converter: Sendable {
    let source: SourceFolder
    let options: ConvertOptions
    let limits: Limits
    let progress: @Sendable (ConvertProgress) -> Void

    package init(
        source: SourceFolder, options: ConvertOptions, limits: Limits = Limits(),
        progress: @escaping @Sendable (ConvertProgress) -> Void = { _ in }
    ) {
        self.source = source
        self.options = options
        self.limits = limits
        self.progress = progress
    }

    /// Converts and publishes.
    /// - Throws: `.alreadyExists` before any work when the version exists; `.failedPrecondition` when the model cannot
    ///   be converted, or when its answers change more than the gate allows and `force` is off.
    package func run(into modelsRoot: String) throws(MartletError) -> ConvertReport {
        let writer = ArtifactWriter(limits: limits)
        if let version = options.version {
            try writer.checkFree(root: modelsRoot, name: options.name, version: version)
        }
        tell(.reading, 0)
        let config = try readConfig()
        let vocabulary = try readTokenizer(config)
        try checkOptions(config)
        let kind = try kind(config)
        let checkpoint = try Checkpoint(body: source, head: options.head, limits: limits)
        let model = try FloatModel(config.configuration, checkpoint)

        tell(.measuringFloat, 0.1)
        var manifest = Manifest(
            configuration: config.configuration, kind: kind,
            tokenizer: Manifest.Tokenizer(
                lowercase: vocabulary.isLowercase, vocabularySize: vocabulary.tokenizer.vocabularySize),
            precision: options.precision, licence: options.licence, source: options.source,
            createdBy: options.createdBy)
        var tensors = model.tensors
        if options.precision == .int8 {
            let quantised = try quantise(model, manifest, vocabulary.tokenizer)
            manifest.receipt = quantised.receipt
            tensors = quantised.tensors
        }

        let golden = try golden(model, tensors, manifest.pooling, vocabulary.tokenizer)
        tell(.writing, 0.95)
        let draft = ArtifactDraft(
            manifest: manifest, tensors: tensors.tensors, tokenizerJSON: vocabulary.json, golden: golden)
        let published = try writer.publish(draft, to: modelsRoot, name: options.name, version: options.version)
        tell(.writing, 1)
        return ConvertReport(
            published: published, receipt: manifest.receipt,
            parameters: model.tensors.tensors.reduce(0) { $0 + $1.floats.count }, ignoredTensors: model.ignored,
            classLabels: config.classLabels, problemType: config.problemType, pooling: manifest.pooling,
            taskSummary: manifest.taskSummary)
    }

    private func tell(_ stage: ConvertProgress.Stage, _ fraction: Double) {
        progress(ConvertProgress(stage: stage, fraction: fraction))
    }

    // MARK: Reading

    /// The head's config names labels; it must describe the same encoder as the body's, if that has one.
    private func readConfig() throws(MartletError) -> HFConfig {
        if options.head != nil, options.task == .embedding {
            throw MartletError(
                .invalidArgument, "a head belongs to a classifier: leave out --head, or --task feature-extraction")
        }
        guard let head = options.head, head.has(HFConfig.fileName) else {
            return try HFConfig(source, task: options.head == nil ? options.task : .classification, limits: limits)
        }
        let config = try HFConfig(head, task: .classification, limits: limits)
        if source.has(HFConfig.fileName) {
            var body = try HFConfig(source, task: .embedding, limits: limits).configuration
            body.labels = config.configuration.labels
            guard body == config.configuration else {
                throw MartletError(
                    .failedPrecondition,
                    "config.json: the head's folder describes another encoder (\(config.configuration)) than "
                        + "the body's (\(body)). Use the body that the head was trained on.")
            }
        }
        return config
    }

    private func readTokenizer(_ config: HFConfig) throws(MartletError) -> TokenizerImport {
        var folder = source
        if let head = options.head, head.has("tokenizer.json") || head.has("vocab.txt") { folder = head }
        let vocabulary = try TokenizerImport(folder, limits: limits)
        guard vocabulary.tokenizer.vocabularySize <= config.configuration.vocabularySize else {
            throw .source(
                "tokenizer.json", "has \(vocabulary.tokenizer.vocabularySize) tokens, config.json's vocab_size is "
                    + "\(config.configuration.vocabularySize)", wayOut: "Use the tokenizer that belongs to the model.")
        }
        return vocabulary
    }

    private func kind(_ config: HFConfig) throws(MartletError) -> Manifest.Kind {
        guard let problemType = config.problemType else {
            let pipeline = try SentencePipeline(source, pooling: options.pooling)
            return .embedder(pipeline.pooling, normalize: pipeline.normalize)
        }
        return .classifier(
            labels: config.classLabels, problemType, positiveLabel: options.positiveLabel,
            documentAggregation: options.documentAggregation)
    }

    private func checkOptions(_ config: HFConfig) throws(MartletError) {
        switch config.task {
        case .classification where options.pooling != nil:
            throw MartletError(
                .invalidArgument, "a classifier has no pooling to choose: leave out --pooling, or say --task "
                    + "feature-extraction")
        case .embedding where options.positiveLabel != nil || options.documentAggregation != nil:
            throw MartletError(
                .invalidArgument,
                "a model that gives vectors has no labels: leave out --positive-label and --aggregation")
        default: break
        }
        if let label = options.positiveLabel, !config.classLabels.contains(label) {
            throw MartletError(
                .invalidArgument,
                "positive label '\(label)' is not a label of the model. Its labels are: "
                    + config.classLabels.prefix(20).joined(separator: ", ") + ".")
        }
        if let texts = options.calibrationTexts, texts.allSatisfy({ $0.isEmpty }) {
            throw MartletError(.invalidArgument, "the calibration file has no text. Give one text per line.")
        }
    }

    // MARK: Quantising

    private func quantise(
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

    private func golden(
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
