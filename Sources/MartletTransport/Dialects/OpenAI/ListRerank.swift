internal import MartletCore
internal import MartletWire

/// Rerank with a list of `documents`, as Cohere and infinity have it.
struct ListRerank: Sendable {
    let handler: any InferenceHandler
    let limits: Limits
    let choice: ModelChoice

    enum Form: Sendable {
        /// `document` is an object with its text.
        case cohere
        /// `document` is the text; the answer says what it is.
        case infinity
    }

    func response(
        to body: JSONField, form: Form, _ exchange: HTTPExchange
    ) async throws(MartletError) -> HTTPResponse {
        var texts: [String] = []
        for element in try body["documents"].elements() {
            if case .object? = element.value {
                texts.append(try element["text"].string())
            } else {
                texts.append(try element.string())
            }
        }
        let query = try body["query"].string()
        let topN = body["top_n"].isMissing ? texts.count : try body["top_n"].integer(in: 1...Int.max)
        let isRaw = body["raw_scores"].isMissing ? false : try body["raw_scores"].bool()
        let returnsDocuments = body["return_documents"].isMissing ? false : try body["return_documents"].bool()
        let model = try await choice.reference(
            body["model"], exchange, task: .classification)
        let answer = try await TEIService(handler: handler, limits: limits, software: "").rerank(
            TEI.RerankRequest(
                query: query, texts: texts, options: TEI.PredictOptions(rawScores: isRaw), returnText: returnsDocuments
            ),
            model: model, exchange.context)
        let results = answer.value.prefix(topN).map { rank in
            var members = [
                JSONValue.Member("index", .integer(rank.index)), .init("relevance_score", .float(rank.score)),
            ]
            if let text = rank.text {
                members.append(.init("document", form == .cohere ? ["text": .string(text)] : .string(text)))
            }
            return JSONValue.object(members)
        }
        var members: [JSONValue.Member] = form == .infinity ? [.init("object", "rerank")] : []
        members.append(.init("results", .array(results)))
        members += AnswerStamp().members(model: answer.model, usage: Usage(tokens: answer.metadata.tokens))
        return HTTPResponse(json: .object(members))
    }
}
