import MartletCore

/// Calls about models and tokens: `echo` version 1 is ready, and nothing else exists.
extension FakeHandler {
    static let identity = ModelIdentity(name: "echo", version: 1, digest: "d")

    static let status = ModelStatus(
        name: "echo", version: 1, state: .ready, versionLabels: ["latest"], digest: "d", classLabels: ["a", "b"],
        task: "text-classification", maxTokens: 512, memoryBytes: 1_000,
        problemType: "single_label_classification", vocabularySize: 30_522, architecture: "bert",
        precision: "int8")

    /// Two values a text: its bytes and its scalars, not normalised.
    func embed(_ request: EmbedRequest, context: CallContext) async throws(MartletError) -> EmbedAnswer {
        EmbedAnswer(
            model: Self.identity,
            results: request.inputs.map { input in
                switch input {
                case .text(let text):
                    EmbedResult(
                        values: [Float(text.utf8.count), Float(text.unicodeScalars.count)], tokensRead: 3,
                        tokensTotal: 3)
                case .tokens(let ids):
                    EmbedResult(values: [Float(ids.count), 0], tokensRead: ids.count + 2, tokensTotal: ids.count + 2)
                }
            })
    }

    /// A token for each word.
    func tokenize(_ request: TokenizeRequest, context: CallContext) async throws(MartletError) -> TokenizeAnswer {
        TokenizeAnswer(
            model: Self.identity,
            results: request.inputs.map { input in
                var place = 0
                return input.text.split(separator: " ").map { word in
                    let count = word.utf8.count
                    defer { place += count + 1 }
                    return Token(
                        id: Int32(count), text: String(word), isSpecial: false,
                        span: TextSpan(
                            byteStart: place, byteEnd: place + count, characterStart: place,
                            characterEnd: place + count))
                }
            })
    }

    func detokenize(_ request: DetokenizeRequest, context: CallContext) async throws(MartletError) -> DetokenizeAnswer {
        DetokenizeAnswer(
            model: Self.identity, texts: request.sequences.map { $0.map(String.init).joined(separator: " ") })
    }

    func watchModels(
        named name: String?, context: CallContext
    ) async throws(MartletError) -> AsyncStream<[ModelStatus]> {
        let models = name == nil || name == "echo" ? [Self.status] : []
        return AsyncStream { continuation in
            continuation.yield(models)
        }
    }

    func loadModel(named name: String, context: CallContext) async throws(MartletError) -> [ModelStatus] {
        guard name == "echo" else { throw MartletError(.notFound, "there is no model of that name") }
        return [Self.status]
    }

    func unloadModel(named name: String, context: CallContext) async throws(MartletError) {
        guard name == "echo" else { throw MartletError(.notFound, "there is no model of that name") }
    }

    func setLabel(
        _ label: String, of name: String, to version: Int?, context: CallContext
    ) async throws(MartletError) {
        guard label != "latest" else { throw MartletError(.invalidArgument, "the label latest cannot be set") }
    }

    func statistics(named name: String?, context: CallContext) async throws(MartletError) -> [ModelStatistics] {
        [ModelStatistics(name: "echo", version: 1, calls: 7, texts: 9, batches: 5, tokens: 27)]
    }

    var facts: EngineFacts { EngineFacts(computeThreads: 2, cpuLevel: "scalar") }
}
