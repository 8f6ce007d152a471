package import MartletCore
internal import MartletWire

/// The REST form of Text Embeddings Inference.
package struct TEIRoutes: Sendable {
    private let service: TEIService
    private let choice: ModelChoice
    private let limits: Limits
    private let listRerank: ListRerank
    private let readiness: Readiness

    package init(
        handler: any InferenceHandler, limits: Limits, software: String, defaultModel: ModelReference? = nil,
        readiness: Readiness
    ) {
        service = TEIService(handler: handler, limits: limits, software: software)
        choice = ModelChoice(handler: handler, defaultModel: defaultModel)
        listRerank = ListRerank(handler: handler, limits: limits, choice: choice)
        self.limits = limits
        self.readiness = readiness
    }

    package var routes: [HTTPRoute] {
        [
            route(
                "POST", "/predict", "Labels and scores of texts or pairs.", request: TEISchema.predict,
                response: TEISchema.predicted, predict),
            route(
                "POST", "/embed", "A vector for each text.", request: TEISchema.embed, response: TEISchema.embedded,
                embed),
            route(
                "POST", "/embed_all", "A vector for each token.", request: TEISchema.embed,
                response: TEISchema.embeddedAll, embedAll),
            route("POST", "/embed_sparse", "No model here gives sparse vectors.", request: TEISchema.embed) {
                (_) throws(MartletError) in throw .noSparseVectors
            },
            route(
                "POST", "/rerank", "Texts by their score with a query; with `documents` in the form of infinity.",
                request: BodySchema.oneOf(TEISchema.rerank, OpenAISchema.rerank), rerank),
            route(
                "POST", "/similarity", "Cosines of a sentence with others.", request: TEISchema.similarity, similarity),
            route("POST", "/tokenize", "The tokens of texts.", request: TEISchema.tokenize, tokenize),
            route(
                "POST", "/decode", "The texts of token ids.", request: TEISchema.decode,
                response: BodySchema.list(BodySchema.text), decode),
            route("POST", "/", "What the model is for.", request: BodySchema.anyObject, ownTask),
            route("POST", "/invocations", "What the model is for.", request: BodySchema.anyObject, ownTask),
            route("GET", "/info", "The model and the server's limits.", info),
            route("GET", "/health", "Whether requests should come here.", empty: true, health),
            route("GET", "/ping", "Whether requests should come here.", empty: true, health),
        ]
    }

    private func route(
        _ method: String, _ pattern: String, _ summary: String, request: JSONValue? = nil, response: JSONValue = [:],
        empty: Bool = false, _ run: @escaping @Sendable (HTTPExchange) async throws(MartletError) -> HTTPResponse
    ) -> HTTPRoute {
        let choice = HTTPDocumentation.Parameter("model", BodySchema.model, "name, name@version or name:label")
        return HTTPRoute(
            method, pattern,
            documentation: HTTPDocumentation(
                summary, tag: "Text Embeddings Inference", parameters: empty ? [] : [choice],
                request: request.map { .json($0) } ?? .none, response: empty ? .none : .json(response)),
            failure: TEIFailure.response, run: run)
    }

    /// - Parameter task: what the model must be able to do; nil for any.
    private func model(
        _ exchange: HTTPExchange, _ body: TEIBody, for task: ModelTask? = nil
    ) async throws(MartletError) -> ModelReference {
        try await choice.reference(body.field["model"], exchange, task: task)
    }

    // MARK: Tasks

    private func predict(_ exchange: HTTPExchange) async throws(MartletError) -> HTTPResponse {
        try await predict(exchange, try await TEIBody(exchange, limits: limits))
    }

    private func predict(_ exchange: HTTPExchange, _ body: TEIBody) async throws(MartletError) -> HTTPResponse {
        let (inputs, isBatch) = try body.predictInputs()
        guard !inputs.isEmpty else { return TEIFailure.empty("inputs") }
        let answer = try await service.predict(
            inputs, try body.predictOptions(), model: try await model(exchange, body, for: .classification),
            exchange.context)
        let lists = answer.value.map { predictions in
            JSONValue.array(predictions.map { ["score": .float($0.score), "label": .string($0.label)] })
        }
        return response(isBatch ? .array(lists) : lists.first ?? [], answer)
    }

    private func embed(_ exchange: HTTPExchange) async throws(MartletError) -> HTTPResponse {
        try await embed(exchange, try await TEIBody(exchange, limits: limits))
    }

    private func embed(_ exchange: HTTPExchange, _ body: TEIBody) async throws(MartletError) -> HTTPResponse {
        let inputs = try body.embedInputs()
        guard !inputs.isEmpty else { return TEIFailure.empty("inputs") }
        let options = try body.embedOptions(normalize: try body.flag("normalize", default: true))
        let answer = try await service.embed(
            inputs, options, model: try await model(exchange, body, for: .embedding), exchange.context)
        var json: [UInt8] = [UInt8(ascii: "[")]
        for (index, result) in answer.value.enumerated() {
            if index > 0 { json.append(UInt8(ascii: ",")) }
            result.values.appendJSON(to: &json)
        }
        json.append(UInt8(ascii: "]"))
        return HTTPResponse(headers: Self.headers(answer), body: .bytes(json))
    }

    /// A vector for each token; sent text by text, because the whole is some hundred times the request.
    private func embedAll(_ exchange: HTTPExchange) async throws(MartletError) -> HTTPResponse {
        let body = try await TEIBody(exchange, limits: limits)
        let inputs = try body.embedInputs()
        guard !inputs.isEmpty else { return TEIFailure.empty("inputs") }
        let answer = try await service.embed(
            inputs, try body.embedOptions(normalize: false), perToken: true,
            model: try await model(exchange, body, for: .embedding),
            exchange.context)
        return HTTPResponse(
            headers: Self.headers(answer),
            body: .stream { (sink) throws(MartletError) in
                for (index, result) in answer.value.enumerated() {
                    var json: [UInt8] = [UInt8(ascii: index == 0 ? "[" : ","), UInt8(ascii: "[")]
                    let width = result.rows > 0 ? result.values.count / result.rows : 0
                    for row in 0..<max(result.rows, 0) {
                        if row > 0 { json.append(UInt8(ascii: ",")) }
                        result.values[row * width..<(row + 1) * width].appendJSON(to: &json)
                    }
                    json.append(UInt8(ascii: "]"))
                    if index == answer.value.count - 1 { json.append(UInt8(ascii: "]")) }
                    try await sink.send(message: json)
                }
            })
    }

    /// `texts` is TEI's form, `documents` the one of Cohere and infinity on the same path.
    private func rerank(_ exchange: HTTPExchange) async throws(MartletError) -> HTTPResponse {
        let body = try await TEIBody(exchange, limits: limits)
        guard body.field["documents"].isMissing else {
            do throws(MartletError) {
                return try await listRerank.response(to: body.field, form: .infinity, exchange)
            } catch {
                return OpenAIFailure.response(error)
            }
        }
        return try await rerank(exchange, body)
    }

    private func rerank(_ exchange: HTTPExchange, _ body: TEIBody) async throws(MartletError) -> HTTPResponse {
        let texts = try body.texts(body.field["texts"])
        guard !texts.isEmpty else { return TEIFailure.empty("texts") }
        let request = TEI.RerankRequest(
            query: try body.field["query"].string(), texts: texts, options: try body.predictOptions(),
            returnText: try body.flag("return_text", default: false))
        let answer = try await service.rerank(
            request, model: try await model(exchange, body, for: .classification), exchange.context)
        let ranks = answer.value.map { rank in
            var members = [JSONValue.Member("index", .integer(rank.index))]
            if let text = rank.text { members.append(.init("text", .string(text))) }
            members.append(.init("score", .float(rank.score)))
            return JSONValue.object(members)
        }
        return response(.array(ranks), answer)
    }

    /// Cosines of one sentence with others.
    private func similarity(_ exchange: HTTPExchange) async throws(MartletError) -> HTTPResponse {
        let body = try await TEIBody(exchange, limits: limits)
        let inputs = body.field["inputs"]
        let sentences = try body.texts(inputs["sentences"])
        guard !sentences.isEmpty else { return TEIFailure.empty("inputs.sentences") }
        let texts = [try inputs["source_sentence"].string()] + sentences
        let answer = try await service.embed(
            texts.map { .text($0) }, try body.embedOptions(in: body.field["parameters"], normalize: true),
            model: try await model(exchange, body, for: .embedding), exchange.context)
        let source = answer.value.first?.values ?? []
        let cosines = answer.value.dropFirst().map { zip(source, $0.values).reduce(Float(0)) { $0 + $1.0 * $1.1 } }
        return response(.array(cosines.map { .float($0) }), answer)
    }

    private func tokenize(_ exchange: HTTPExchange) async throws(MartletError) -> HTTPResponse {
        let body = try await TEIBody(exchange, limits: limits)
        let texts = try body.oneOrMoreTexts("inputs")
        guard !texts.isEmpty else { return TEIFailure.empty("inputs") }
        let prompt = body.field["prompt_name"]
        let lists = try await service.tokenize(
            texts, addSpecialTokens: try body.flag("add_special_tokens", default: true),
            promptName: prompt.isMissing ? nil : try prompt.string(), model: try await model(exchange, body),
            exchange.context)
        return HTTPResponse(
            json: .array(
                lists.map { tokens in
                    .array(
                        tokens.map { token in
                            [
                                "id": .integer(token.id), "text": .string(token.text), "special": .bool(token.special),
                                "start": token.range.map { .integer($0.lowerBound) } ?? .null,
                                "stop": token.range.map { .integer($0.upperBound) } ?? .null,
                            ]
                        })
                }))
    }

    private func decode(_ exchange: HTTPExchange) async throws(MartletError) -> HTTPResponse {
        let body = try await TEIBody(exchange, limits: limits)
        let ids = try body.idLists("ids")
        guard !ids.isEmpty else { return TEIFailure.empty("ids") }
        let texts = try await service.decode(
            ids, skipSpecialTokens: try body.flag("skip_special_tokens", default: true),
            model: try await model(exchange, body), exchange.context)
        return HTTPResponse(json: .array(texts.map { .string($0) }))
    }

    /// What the model is for.
    private func ownTask(_ exchange: HTTPExchange) async throws(MartletError) -> HTTPResponse {
        let body = try await TEIBody(exchange, limits: limits)
        let status = try await service.handler.model(try await model(exchange, body), context: exchange.context)
        return switch TEIService.type(of: status) {
        case .embedding: try await embed(exchange, body)
        case .reranker: try await rerank(exchange, body)
        case .classifier: try await predict(exchange, body)
        }
    }

    // MARK: About the server

    private func info(_ exchange: HTTPExchange) async throws(MartletError) -> HTTPResponse {
        let model = try await choice.reference(exchange.context, query: exchange.query)
        return HTTPResponse(json: try await service.info(of: model, exchange.context).json)
    }

    private func health(_ exchange: HTTPExchange) async throws(MartletError) -> HTTPResponse {
        try await readiness.check(exchange.context)
        return HTTPResponse()
    }

    // MARK: Answers

    private func response<Value>(_ json: JSONValue, _ answer: TEIService.Answer<Value>) -> HTTPResponse {
        HTTPResponse(headers: Self.headers(answer), body: .bytes(json.serialized))
    }

    /// TEI's own, and two of ours: which version answered, and how many texts were cut, for which TEI has no field.
    private static func headers<Value>(_ answer: TEIService.Answer<Value>) -> [(name: String, value: String)] {
        let timing = answer.metadata.timing
        var headers = [
            (name: "content-type", value: "application/json"), (name: "x-compute-type", value: "cpu+optimized"),
            (name: "x-compute-time", value: String(timing.total.wholeMilliseconds)),
            (name: "x-compute-characters", value: String(answer.metadata.characters)),
            (name: "x-compute-tokens", value: String(answer.metadata.tokens)),
            (name: "x-total-time", value: String(timing.total.wholeMilliseconds)),
            (name: "x-tokenization-time", value: String(timing.tokenize.wholeMilliseconds)),
            (name: "x-queue-time", value: String(timing.queue.wholeMilliseconds)),
            (name: "x-inference-time", value: String(timing.compute.wholeMilliseconds)),
            (name: ModelChoice.header, value: answer.model.id.reference),
        ]
        if answer.truncatedTexts > 0 {
            headers.append((name: "x-martlet-truncated", value: String(answer.truncatedTexts)))
        }
        return headers
    }
}

extension VersionID {
    /// As a request names this very version: `guard@3`.
    var reference: String { ModelReference(name: model, selector: .version(number)).description }
}
