package import MartletCore
package import MartletWire

/// The services of `tei.v1`. The model is the one that `ModelChoice` says.
package struct TEICalls: Sendable {
    private let service: TEIService
    private let choice: ModelChoice
    private let codec: MessageCodec
    private let limits: Limits

    package init(
        handler: any InferenceHandler, codec: MessageCodec, limits: Limits, software: String,
        defaultModel: ModelReference? = nil
    ) {
        service = TEIService(handler: handler, limits: limits, software: software)
        choice = ModelChoice(handler: handler, defaultModel: defaultModel)
        self.codec = codec
        self.limits = limits
    }

    package var calls: [Call] {
        var calls: [Call] = [
            .unary(.tei("Info/Info")) { (_, context) throws(MartletError) in
                codec.encode(try await service.info(of: try await choice.reference(context), context))
            },
            rerankStream,
        ]
        calls += both("Embed/Embed", embed)
        calls += both("Embed/EmbedAll", embedAll)
        calls += both("Embed/EmbedSparse") { (_, _) throws(MartletError) in throw .noSparseVectors }
        calls += both("Predict/Predict") { (message, context) throws(MartletError) in
            try await predict(try codec.decodeTEIPredictRequest(message), context)
        }
        calls += both("Predict/PredictPair", stream: "Predict/PredictPairStream") {
            (message, context) throws(MartletError) in
            try await predict(try codec.decodeTEIPredictPairRequest(message), context)
        }
        calls.append(
            .unary(.tei("Rerank/Rerank")) { (message, context) throws(MartletError) in
                try await rerank(try codec.decodeTEIRerankRequest(message), context)
            })
        calls += both("Tokenize/Tokenize", encode)
        calls += both("Tokenize/Decode", decode)
        return calls
    }

    /// A method with one request and one answer, and the stream of the same, whose answers come in the order of the
    /// requests and which an error ends.
    private func both(_ name: String, stream: String? = nil, _ run: @escaping Call.Unary) -> [Call] {
        [
            .unary(.tei(name), run),
            .stream(.tei(stream ?? name + "Stream", clientStreams: true, serverStreams: true)) {
                (requests, answers, context) throws(MartletError) in
                try await RequestStream(limits: limits).run(requests, answers, context) { (message) in
                    RequestStream.Request { (context) throws(MartletError) in try await run(message, context) }
                }
            },
        ]
    }

    private func embed(_ message: [UInt8], _ context: CallContext) async throws(MartletError) -> [UInt8] {
        let (text, options) = try codec.decodeTEIEmbedRequest(message)
        let answer = try await service.embed(
            [.text(text)], options, model: try await choice.reference(context, task: .embedding), context)
        return codec.encodeTEIEmbedResponse(answer.value.first?.values ?? [], answer.metadata)
    }

    private func embedAll(_ message: [UInt8], _ context: CallContext) async throws(MartletError) -> [UInt8] {
        let (text, options) = try codec.decodeTEIEmbedAllRequest(message)
        let answer = try await service.embed(
            [.text(text)], options, perToken: true,
            model: try await choice.reference(context, task: .embedding), context)
        return codec.encodeTEIEmbedAllResponse(
            answer.value.first?.values ?? [], rows: answer.value.first?.rows ?? 0, answer.metadata)
    }

    private func predict(
        _ request: (input: TextInput, options: TEI.PredictOptions), _ context: CallContext
    ) async throws(MartletError) -> [UInt8] {
        let answer = try await service.predict(
            [request.input], request.options,
            model: try await choice.reference(context, task: .classification), context)
        return codec.encodeTEIPredictResponse(answer.value.first ?? [], answer.metadata)
    }

    private func rerank(_ request: TEI.RerankRequest, _ context: CallContext) async throws(MartletError) -> [UInt8] {
        let answer = try await service.rerank(
            request, model: try await choice.reference(context, task: .classification), context)
        return codec.encodeTEIRerankResponse(answer.value, answer.metadata)
    }

    private func encode(_ message: [UInt8], _ context: CallContext) async throws(MartletError) -> [UInt8] {
        let request = try codec.decodeTEIEncodeRequest(message)
        let tokens = try await service.tokenize(
            [request.text], addSpecialTokens: request.addSpecialTokens, promptName: request.promptName,
            model: try await choice.reference(context), context)
        return codec.encodeTEIEncodeResponse(tokens.first ?? [])
    }

    private func decode(_ message: [UInt8], _ context: CallContext) async throws(MartletError) -> [UInt8] {
        let request = try codec.decodeTEIDecodeRequest(message)
        let texts = try await service.decode(
            [request.ids], skipSpecialTokens: request.skipSpecialTokens, model: try await choice.reference(context),
            context)
        return codec.encodeTEIDecodeResponse(texts.first ?? "")
    }

    /// The texts of a stream, ranked together once the last has come. The first message says how.
    private var rerankStream: Call {
        .stream(.tei("Rerank/RerankStream", clientStreams: true)) {
            (requests, answers, context) throws(MartletError) in
            guard let first = try await requests.nextMessage() else {
                throw MartletError(.invalidArgument, "the stream ended before its first text")
            }
            var request = try codec.decodeTEIRerankStreamRequest(first)
            var bytes = first.count
            while let message = try await requests.nextMessage() {
                bytes += message.count
                guard bytes <= limits.messageBytesMax else {
                    throw MartletError(
                        .resourceExhausted,
                        "the stream's messages have more than the \(limits.messageBytesMax) bytes that one request may "
                            + "have (messageBytesMax); send several streams")
                }
                let next = try codec.decodeTEIRerankStreamRequest(message)
                guard next.query == request.query else {
                    throw MartletError(.invalidArgument, "query: all messages of a stream must have the same query")
                }
                guard request.texts.count < limits.textsPerRequestMax else {
                    throw MartletError(
                        .invalidArgument,
                        "the stream has more than \(limits.textsPerRequestMax) texts, the limit (textsPerRequestMax); "
                            + "send several streams")
                }
                request.texts += next.texts
            }
            try await answers.send(message: try await rerank(request, context))
        }
    }
}

extension MartletError {
    static var noSparseVectors: MartletError {
        MartletError(
            .failedPrecondition, "this server has no models that give sparse vectors; ask for dense ones (embed)")
    }
}
