internal import MartletCore
internal import MartletWire

/// Text Embeddings Inference on the `InferenceHandler`: what its gRPC and its REST form both do.
struct TEIService: Sendable {
    let handler: any InferenceHandler
    let limits: Limits
    /// Name and version, such as `martlet/0.1.0`.
    let software: String

    /// What answered, and what it took.
    struct Answer<Value: Sendable>: Sendable {
        let value: Value
        let model: ModelIdentity
        let metadata: TEI.Metadata
        /// Texts of which some tokens were not read.
        let truncatedTexts: Int
    }

    func embed(
        _ inputs: [EmbedInput], _ options: TEI.EmbedOptions, perToken: Bool = false, model: ModelReference,
        _ context: CallContext
    ) async throws(MartletError) -> Answer<[EmbedResult]> {
        try Self.refusePrompt(options.promptName)
        let answer = try await handler.embed(
            EmbedRequest(
                model: model, inputs: inputs, overflow: options.overflow, normalize: options.normalize,
                dimensions: options.dimensions, perToken: perToken), context: context)
        let characters = inputs.reduce(0) { sum, input in
            if case .text(let text) = input { sum + text.unicodeScalars.count } else { sum }
        }
        return Answer(
            value: answer.results, model: answer.model,
            metadata: TEI.Metadata(
                characters: characters, tokens: answer.results.reduce(0) { $0 + $1.tokensRead }, timing: answer.timing),
            truncatedTexts: answer.results.count { $0.truncated })
    }

    /// One list of predictions for each text, best first.
    func predict(
        _ inputs: [TextInput], _ options: TEI.PredictOptions, model: ModelReference, _ context: CallContext
    ) async throws(MartletError) -> Answer<[[TEI.Prediction]]> {
        let answer = try await classify(inputs, options.overflow, model: model, context)
        return answer.map { $0.map { TEIScores.predictions(of: $0, raw: options.rawScores) } }
    }

    /// The texts by their scores with the query, best first.
    /// - Throws: `.failedPrecondition` for a model of several labels, which is no reranker.
    func rerank(
        _ request: TEI.RerankRequest, model: ModelReference, _ context: CallContext
    ) async throws(MartletError) -> Answer<[TEI.Rank]> {
        let pairs = request.texts.map { TextInput(request.query, pair: $0) }
        let answer = try await classify(pairs, request.options.overflow, model: model, context)
        guard answer.value.allSatisfy({ $0.logits.count == 1 }) else {
            throw MartletError(
                .failedPrecondition, "this model is no reranker: it has several labels, and a reranker has one")
        }
        return answer.map { results in
            results.enumerated().map { index, result in
                TEI.Rank(
                    index: index, text: request.returnText ? request.texts[index] : nil,
                    score: TEIScores.scores(of: result.logits, raw: request.options.rawScores).first ?? 0)
            }.sorted { ($0.score, $1.index) > ($1.score, $0.index) }
        }
    }

    private func classify(
        _ inputs: [TextInput], _ overflow: OverflowPolicy, model: ModelReference, _ context: CallContext
    ) async throws(MartletError) -> Answer<[TextResult]> {
        let answer = try await handler.classify(
            ClassifyRequest(model: model, inputs: inputs, overflow: overflow, returnLogits: true), context: context)
        let characters = inputs.reduce(0) { $0 + $1.text.unicodeScalars.count + ($1.pair?.unicodeScalars.count ?? 0) }
        return Answer(
            value: answer.results, model: answer.model,
            metadata: TEI.Metadata(
                characters: characters, tokens: answer.results.reduce(0) { $0 + $1.tokensRead }, timing: answer.timing),
            truncatedTexts: answer.results.count { $0.truncated })
    }

    func tokenize(
        _ texts: [String], addSpecialTokens: Bool, promptName: String?, model: ModelReference, _ context: CallContext
    ) async throws(MartletError) -> [[TEI.SimpleToken]] {
        try Self.refusePrompt(promptName)
        let answer = try await handler.tokenize(
            TokenizeRequest(
                model: model, inputs: texts.map { TextInput($0) }, addSpecialTokens: addSpecialTokens),
            context: context)
        return zip(texts, answer.results).map { text, tokens in
            let bytes = Array(text.utf8)
            return tokens.map { TEI.SimpleToken($0, of: bytes) }
        }
    }

    func decode(
        _ sequences: [[Int32]], skipSpecialTokens: Bool, model: ModelReference, _ context: CallContext
    ) async throws(MartletError) -> [String] {
        try await handler.detokenize(
            DetokenizeRequest(model: model, sequences: sequences, skipSpecialTokens: skipSpecialTokens),
            context: context
        ).texts
    }

    func info(of model: ModelReference, _ context: CallContext) async throws(MartletError) -> TEI.Info {
        let status = try await handler.model(model, context: context)
        return TEI.Info(
            version: software, modelID: status.name, modelSHA: status.digest, modelDatatype: status.precision,
            modelType: Self.type(of: status), classLabels: status.classLabels,
            concurrentRequestsMax: limits.queueTokensMax / max(1, status.maxTokens), inputTokensMax: status.maxTokens,
            batchTokensMax: limits.batchTokensMax, clientBatchMax: limits.teiBatchTextsMax,
            tokenizationWorkers: handler.facts.computeThreads)
    }

    static func type(of status: ModelStatus) -> TEI.ModelType {
        if status.dimensions > 0 { return .embedding }
        return status.classLabels.count == 1 ? .reranker : .classifier
    }

    private static func refusePrompt(_ name: String?) throws(MartletError) {
        guard name == nil else {
            throw MartletError(
                .invalidArgument, "prompt_name: this server has no prompts; put the prompt into the text")
        }
    }
}

extension TEIService.Answer {
    fileprivate func map<Other>(_ change: (Value) -> Other) -> TEIService.Answer<Other> {
        TEIService.Answer<Other>(
            value: change(value), model: model, metadata: metadata, truncatedTexts: truncatedTexts)
    }
}

extension TEI.SimpleToken {
    /// - Parameter text: the input that the token is of, in UTF-8.
    fileprivate init(_ token: Token, of text: [UInt8]) {
        let range = token.span.flatMap { span in
            span.byteStart >= 0 && span.byteStart <= span.byteEnd && span.byteEnd <= text.count
                ? span.byteStart..<span.byteEnd : nil
        }
        self.init(
            id: Int(token.id), text: range.map { String(decoding: text[$0], as: UTF8.self) } ?? token.text,
            special: token.isSpecial, range: range)
    }
}
