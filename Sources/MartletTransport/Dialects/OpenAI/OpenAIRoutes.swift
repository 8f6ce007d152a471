package import MartletCore
internal import MartletWire

/// OpenAI's `/v1/embeddings` and `/v1/models`, Cohere's `/v1/rerank` and `/v2/rerank`, infinity's `/classify`.
package struct OpenAIRoutes: Sendable {
    private let handler: any InferenceHandler
    private let choice: ModelChoice
    private let limits: Limits
    private let listRerank: ListRerank

    package init(handler: any InferenceHandler, limits: Limits, defaultModel: ModelReference? = nil) {
        self.handler = handler
        choice = ModelChoice(handler: handler, defaultModel: defaultModel)
        listRerank = ListRerank(handler: handler, limits: limits, choice: choice)
        self.limits = limits
    }

    package var routes: [HTTPRoute] {
        [
            route("POST", "/v1/embeddings", "A vector for each text.", request: OpenAISchema.embeddings, embeddings),
            // Where TEI and infinity have it.
            route("POST", "/embeddings", "A vector for each text.", request: OpenAISchema.embeddings, embeddings),
            route("GET", "/v1/models", "Names of the models that answer.", models),
            route("GET", "/v1/models/{model}", "A model by name, name@version or name:label.", model),
            route(
                "POST", "/v1/rerank", "Documents by their score with a query (Cohere).", request: OpenAISchema.rerank,
                rerank),
            route(
                "POST", "/v2/rerank", "Documents by their score with a query (Cohere).", request: OpenAISchema.rerank,
                rerank),
            route(
                "POST", "/classify", "Labels and scores of texts (infinity).", request: OpenAISchema.classify, classify
            ),
        ]
    }

    private func route(
        _ method: String, _ pattern: String, _ summary: String, request: JSONValue? = nil,
        _ run: @escaping @Sendable (HTTPExchange) async throws(MartletError) -> HTTPResponse
    ) -> HTTPRoute {
        HTTPRoute(
            method, pattern,
            documentation: HTTPDocumentation(
                summary, tag: "OpenAI, Cohere, infinity", request: request.map { .json($0) } ?? .none,
                response: .json(BodySchema.anyObject)),
            failure: OpenAIFailure.response, run: run)
    }

    private func body(_ exchange: HTTPExchange) async throws(MartletError) -> JSONField {
        let field = JSONField(try await exchange.json(atMost: limits.messageBytesMax))
        _ = try field.members()
        return field
    }

    // MARK: Embeddings

    private func embeddings(_ exchange: HTTPExchange) async throws(MartletError) -> HTTPResponse {
        let body = try await body(exchange)
        let dimensions = body["dimensions"]
        let request = EmbedRequest(
            model: try await choice.reference(body["model"], exchange, task: .embedding),
            inputs: try Self.inputs(body["input"]),
            dimensions: dimensions.isMissing ? 0 : try dimensions.integer(in: 1...Int(Int32.max)))
        let isBase64: Bool
        let format = body["encoding_format"]
        switch format.isMissing ? "float" : try format.string() {
        case "float": isBase64 = false
        case "base64": isBase64 = true
        default: throw format.mustBe("float or base64")
        }
        let answer = try await handler.embed(request, context: exchange.context)
        var json: [UInt8] = Array("{\"object\":\"list\",\"data\":[".utf8)
        for (index, result) in answer.results.enumerated() {
            if index > 0 { json.append(UInt8(ascii: ",")) }
            json.append(contentsOf: "{\"object\":\"embedding\",\"index\":\(index),\"embedding\":".utf8)
            if isBase64 {
                json.append(UInt8(ascii: "\""))
                json.append(contentsOf: Base64.encoded(result.values.littleEndianBytes, padded: true))
                json.append(UInt8(ascii: "\""))
            } else {
                result.values.appendJSON(to: &json)
            }
            json.append(UInt8(ascii: "}"))
        }
        json.append(contentsOf: "],\"model\":".utf8)
        JSONValue.append(answer.model.id.reference, to: &json)
        json.append(contentsOf: ",\"usage\":".utf8)
        Usage(tokens: answer.results.reduce(0) { $0 + $1.tokensRead }).json.append(to: &json)
        json.append(UInt8(ascii: "}"))
        return HTTPResponse(headers: [("content-type", "application/json")], body: .bytes(json))
    }

    /// A text, a list of texts, a list of ids, or a list of lists of ids.
    private static func inputs(_ field: JSONField) throws(MartletError) -> [EmbedInput] {
        if case .string(let text)? = field.value { return [.text(text)] }
        guard case .array? = field.value else { throw field.mustBe("a text, a list of texts, or token ids") }
        let elements = try field.elements()
        if case .number? = elements.first?.value { return [.tokens(try TokenIDList.read(field))] }
        var inputs: [EmbedInput] = []
        for element in elements {
            if case .array? = element.value {
                inputs.append(.tokens(try TokenIDList.read(element)))
            } else {
                inputs.append(.text(try element.string()))
            }
        }
        return inputs
    }

    // MARK: Models

    private func models(_ exchange: HTTPExchange) async throws(MartletError) -> HTTPResponse {
        var names: [String] = []
        for status in try await handler.listModels(named: nil, context: exchange.context) where status.state == .ready
        {
            if names.last != status.name { names.append(status.name) }
        }
        return HTTPResponse(json: ["object": "list", "data": .array(names.map { Self.model($0) })])
    }

    /// `guard`, `guard@3` or `guard:stable`.
    private func model(_ exchange: HTTPExchange) async throws(MartletError) -> HTTPResponse {
        let name = exchange.parameters["model"] ?? ""
        let status = try await handler.model(try ModelChoice.reference(named: name), context: exchange.context)
        guard status.state == .ready else { throw MartletError(.unavailable, "the model is not ready") }
        return HTTPResponse(json: Self.model(name))
    }

    private static func model(_ name: String) -> JSONValue {
        // When a version was made is not known here.
        ["id": .string(name), "object": "model", "created": 0, "owned_by": "martlet"]
    }

    // MARK: Rerank and classify

    private func rerank(_ exchange: HTTPExchange) async throws(MartletError) -> HTTPResponse {
        try await listRerank.response(to: try await body(exchange), form: .cohere, exchange)
    }

    private func classify(_ exchange: HTTPExchange) async throws(MartletError) -> HTTPResponse {
        let body = try await body(exchange)
        var inputs: [TextInput] = []
        if case .string(let text)? = body["input"].value {
            inputs.append(TextInput(text))
        } else {
            for element in try body["input"].elements() { inputs.append(TextInput(try element.string())) }
        }
        let isRaw = body["raw_scores"].isMissing ? false : try body["raw_scores"].bool()
        let answer = try await handler.classify(
            ClassifyRequest(
                model: try await choice.reference(body["model"], exchange, task: .classification),
                inputs: inputs, returnLogits: isRaw),
            context: exchange.context)
        let lists = answer.results.map { result in
            let scores =
                isRaw
                ? zip(result.classOrder, result.logits).map { (label: $0.label, score: $1) }
                    .sorted { $0.score > $1.score }
                : result.scores.map { (label: $0.label, score: $0.score) }
            return JSONValue.array(scores.map { ["score": .float($0.score), "label": .string($0.label)] })
        }
        return HTTPResponse(
            json: .object(
                [.init("object", "classify"), .init("data", .array(lists))]
                    + AnswerStamp().members(
                        model: answer.model, usage: Usage(tokens: answer.results.reduce(0) { $0 + $1.tokensRead }))))
    }
}
