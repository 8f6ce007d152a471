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

    func tell(_ stage: ConvertProgress.Stage, _ fraction: Double) {
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
}
