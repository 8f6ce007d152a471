internal import MartletCore
internal import MartletWire

/// `POST /api/text-classification {"text": "..."}`: the shortest way to a label. A text of any length is read to its
/// end, in windows where it must be.
struct TextClassificationRoute: Sendable {
    let handler: any InferenceHandler
    let limits: Limits
    let choice: ModelChoice

    var route: HTTPRoute {
        HTTPRoute(
            "POST", "/api/text-classification", documentation: Self.documentation, failure: HTTPFailure.response,
            run: run)
    }

    private func run(_ exchange: HTTPExchange) async throws(MartletError) -> HTTPResponse {
        let body = JSONField(try await exchange.json(atMost: limits.messageBytesMax))
        for (name, _) in try body.members() where !["text", "texts", "model", "topK"].contains(name) {
            throw MartletError(
                .invalidArgument,
                "\(name.prefix(60)) is not a field of this request; it has text or texts, model and topK")
        }
        guard body["text"].isMissing != body["texts"].isMissing else {
            throw MartletError(.invalidArgument, "give either text, a string, or texts, a list of strings")
        }
        let isSingle = body["texts"].isMissing
        var inputs: [TextInput] = []
        if isSingle {
            inputs.append(TextInput(try body["text"].string()))
        } else {
            for field in try body["texts"].elements() { inputs.append(TextInput(try field.string())) }
        }
        let model = try await choice.reference(body["model"], exchange, task: .classification)
        let topK = body["topK"].isMissing ? 0 : try body["topK"].integer(in: 0...Int(Int32.max))
        let answer = try await handler.classify(
            ClassifyRequest(model: model, inputs: inputs, overflow: .window, topK: topK), context: exchange.context)
        let identity: JSONValue = [
            "name": .string(answer.model.name), "version": .integer(answer.model.version),
            "label": .string(answer.model.label), "digest": .string(answer.model.digest),
        ]
        let results = answer.results.map(Self.members)
        if isSingle, let only = results.first { return HTTPResponse(json: .object(only + [.init("model", identity)])) }
        return HTTPResponse(json: ["results": .array(results.map { .object($0) }), "model": identity])
    }

    private static func members(_ result: TextResult) -> [JSONValue.Member] {
        [
            .init("label", .string(result.scores.first?.label ?? "")),
            .init("score", .float(result.scores.first?.score ?? 0)),
            .init(
                "labels",
                .array(result.scores.map { ["label": .string($0.label), "score": .float($0.score)] })),
            .init("windows", .integer(result.windows)), .init("truncated", .bool(result.truncated)),
        ]
    }

    private static let documentation = HTTPDocumentation(
        "The label of a text, of any length.", tag: "text classification",
        request: .json([
            "type": "object",
            "properties": [
                "text": BodySchema.someText, "texts": BodySchema.some(BodySchema.someText),
                "model": BodySchema.model,
                "topK": [
                    "type": "integer", "minimum": 0, "maximum": 2_147_483_647,
                    "description": "labels to return, best first; 0: all",
                ],
            ],
            "oneOf": [["required": ["text"]], ["required": ["texts"]]],
            "additionalProperties": false,
        ]),
        response: .json([
            "type": "object",
            "properties": [
                "label": ["type": "string"], "score": ["type": "number"],
                "labels": [
                    "type": "array",
                    "items": [
                        "type": "object", "properties": ["label": ["type": "string"], "score": ["type": "number"]],
                    ],
                ],
                "windows": ["type": "integer"], "truncated": ["type": "boolean"],
                "results": ["type": "array", "items": ["type": "object"], "description": "for texts: one for each"],
                "model": ["type": "object"],
            ],
        ]))
}
