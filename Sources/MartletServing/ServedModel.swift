internal import MartletArtifact
internal import MartletCore
internal import MartletEncoder
internal import MartletRollout
internal import MartletText
internal import Synchronization

/// One loaded version, ready to answer: tokenizer, encoder and what makes answers of its rows, of the same bits.
final class ServedModel: LoadedVersion {
    let status: LoadedStatus
    let tokenizer: BertTokenizer
    let encoder: EncoderModel
    /// Of a classifier; nil for a model that gives vectors.
    let head: ClassificationHead?
    /// Of a model that gives vectors; nil for a classifier.
    let pooling: Pooling?
    /// Values of an answer: labels, or the width of a vector.
    let answerWidth: Int
    /// Stands for this version's runs that end in rows of tokens.
    let tokenRows = BatchKey()
    let counters = ModelCounters()
    /// Of its model's traffic; outlives the version.
    let lengths: LengthHistogram
    /// The label whose presence in a document decides; nil when the manifest names none.
    let positiveLabel: String?
    let documentAggregation: Aggregation?
    /// Longest sequence in tokens, special tokens included.
    let maxTokens: Int
    /// 1 for a model that cannot tell the texts of a pair apart.
    let tokenTypes: Int
    /// Rows one run may have.
    let rowsMax: Int
    /// Threads that may work on one run.
    let members: Int
    private let idle = Mutex<[IdleScratch]>([])

    private struct IdleScratch:
        @unchecked Sendable // safe: a scratch is in the list, or with the one thread that took it
    {
        let scratch: EncoderScratch
    }

    /// Keeps nothing of `artifact`: its memory returns to the system when the caller lets it go.
    /// - Parameters:
    ///   - tensors: the artifact's.
    ///   - members: threads of a team that runs this model, the caller's included.
    init(
        artifact: ModelArtifact, tensors: any TensorSource, kernels: KernelTable, batchTokensMax: Int, members: Int,
        lengths: LengthHistogram
    ) throws(MartletError) {
        self.lengths = lengths
        let manifest = artifact.manifest
        tokenizer = try BertTokenizer(tokenizerJSON: artifact.tokenizerJSON)
        guard tokenizer.vocabularySize <= manifest.configuration.vocabularySize else {
            throw MartletError(
                .failedPrecondition,
                "the tokenizer has \(tokenizer.vocabularySize) tokens and the encoder "
                    + "\(manifest.configuration.vocabularySize) embeddings; convert the model again from one folder")
        }
        encoder = try EncoderModel(
            configuration: manifest.configuration, tensors: tensors, kernels: kernels)
        head = manifest.problemType.map { ClassificationHead(problemType: $0, labels: manifest.classLabels) }
        pooling = manifest.pooling
        answerWidth = manifest.answerWidth
        positiveLabel = manifest.positiveLabel
        documentAggregation = manifest.documentAggregation.flatMap(Aggregation.init(rawValue:))
        maxTokens = manifest.configuration.maxPositions
        tokenTypes = manifest.configuration.tokenTypes
        rowsMax = max(batchTokensMax, maxTokens)
        self.members = members
        status = LoadedStatus(
            digest: artifact.digest, classLabels: manifest.classLabels, task: manifest.task, maxTokens: maxTokens,
            memoryBytes: encoder.memoryBytes, problemType: manifest.problemType?.rawValue ?? "",
            dimensions: pooling == nil ? 0 : answerWidth, vocabularySize: tokenizer.vocabularySize,
            architecture: manifest.architecture, precision: manifest.precision.rawValue)
    }

    func takeFigures() -> CallFigures { counters.takeFigures() }

    /// - Parameter name: the model's, for the message.
    /// - Throws: `.failedPrecondition` for a model that gives vectors.
    func classifier(named name: String) throws(MartletError) -> ClassificationHead {
        if let head { return head }
        throw MartletError(
            .failedPrecondition,
            "model \(name) is for \(status.task) and gives no labels; call Embed, or name a model for "
                + ModelTask.classification.rawValue)
    }

    /// Runs `body` with a scratch of `rowsMax` rows that no other thread has meanwhile.
    ///
    /// As many are kept as ever ran at once, and they go with the model.
    func withScratch<R>(_ body: (EncoderScratch) throws(MartletError) -> R) throws(MartletError) -> R {
        let taken: IdleScratch
        if let waiting = idle.withLock({ $0.popLast() }) {
            taken = waiting
        } else {
            taken = IdleScratch(scratch: try encoder.scratch(rowsMax: rowsMax, members: members))
        }
        defer { idle.withLock { $0.append(taken) } }
        return try body(taken.scratch)
    }

    /// Makes scratches until `count` of them wait, but no more than take as much memory as the weights do: a machine
    /// of many cores seldom runs one small model on all of them at once.
    func prepareScratches(count: Int) throws(MartletError) {
        while true {
            let (waiting, bytes) = idle.withLock { ($0.count, $0.reduce(0) { $0 + $1.scratch.memoryBytes }) }
            guard waiting < count, waiting == 0 || bytes < encoder.memoryBytes else { return }
            let made = IdleScratch(scratch: try encoder.scratch(rowsMax: rowsMax, members: members))
            idle.withLock { $0.append(made) }
        }
    }
}

/// Nothing but its identity: works of one key may share a batch.
final class BatchKey: Sendable {}
