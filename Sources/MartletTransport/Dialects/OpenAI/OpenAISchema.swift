internal import MartletWire

/// JSON schemas of the bodies of OpenAI's, Cohere's and infinity's forms. `model` may be left out where one is served.
enum OpenAISchema {
    private static let model = JSONValue.Member("model", BodySchema.model)
    private static let text = BodySchema.someText
    private static let ids = BodySchema.some(BodySchema.tokenID)

    static let embeddings = BodySchema.object(
        [
            .init("input", BodySchema.oneOf(text, BodySchema.some(text), ids, BodySchema.some(ids)))
        ],
        optional: [
            model, .init("encoding_format", BodySchema.choice("float", "base64")),
            .init("dimensions", BodySchema.dimensions),
            .init("user", BodySchema.text),
        ])

    static let rerank = BodySchema.object(
        [
            .init("query", text),
            .init("documents", BodySchema.some(BodySchema.oneOf(text, BodySchema.object([.init("text", text)])))),
        ],
        optional: [
            model, .init("top_n", ["type": "integer", "minimum": 1]), .init("return_documents", BodySchema.flag),
            .init("raw_scores", BodySchema.flag),
        ])

    static let classify = BodySchema.object(
        [.init("input", BodySchema.oneOf(text, BodySchema.some(text)))],
        optional: [model, .init("raw_scores", BodySchema.flag)])
}
