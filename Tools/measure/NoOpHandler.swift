import MartletCore

/// Answers every text with the same two scores at once.
struct NoOpHandler: InferenceHandler {
    private static let identity = ModelIdentity(
        name: "noop", version: 1, digest: String(repeating: "0", count: 64))
    private static let result = TextResult(
        scores: [LabelScore(label: "SAFE", index: 0, score: 0.75), LabelScore(label: "OTHER", index: 1, score: 0.25)],
        tokensRead: 50, tokensTotal: 50)
    private static let status = ModelStatus(
        name: "noop", version: 1, state: .ready, versionLabels: ["latest"], digest: identity.digest,
        classLabels: ["SAFE", "OTHER"], task: "text-classification", maxTokens: 512)

    private var refusal: MartletError { MartletError(.failedPrecondition, "the model of this benchmark only classifies") }

    func classify(_ request: ClassifyRequest, context: CallContext) async throws(MartletError) -> ClassifyAnswer {
        ClassifyAnswer(model: Self.identity, results: Array(repeating: Self.result, count: request.inputs.count))
    }

    func classifyDocument(
        _ options: DocumentOptions, document: any DocumentSource, events: any DocumentEventSink, context: CallContext
    ) async throws(MartletError) { throw refusal }

    func embed(_ request: EmbedRequest, context: CallContext) async throws(MartletError) -> EmbedAnswer {
        throw refusal
    }

    func tokenize(_ request: TokenizeRequest, context: CallContext) async throws(MartletError) -> TokenizeAnswer {
        throw refusal
    }

    func detokenize(
        _ request: DetokenizeRequest, context: CallContext
    ) async throws(MartletError) -> DetokenizeAnswer { throw refusal }

    func listModels(named name: String?, context: CallContext) async throws(MartletError) -> [ModelStatus] {
        [Self.status]
    }

    func model(_ reference: ModelReference, context: CallContext) async throws(MartletError) -> ModelStatus {
        Self.status
    }

    func watchModels(
        named name: String?, context: CallContext
    ) async throws(MartletError) -> AsyncStream<[ModelStatus]> {
        AsyncStream { $0.yield([Self.status]) }
    }

    func loadModel(named name: String, context: CallContext) async throws(MartletError) -> [ModelStatus] {
        throw refusal
    }

    func unloadModel(named name: String, context: CallContext) async throws(MartletError) { throw refusal }

    func setLabel(
        _ label: String, of name: String, to version: Int?, context: CallContext
    ) async throws(MartletError) { throw refusal }

    func statistics(named name: String?, context: CallContext) async throws(MartletError) -> [ModelStatistics] { [] }

    var facts: EngineFacts { EngineFacts(computeThreads: 1, cpuLevel: "none") }
}
