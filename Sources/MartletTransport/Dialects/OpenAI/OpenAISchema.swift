internal import MartletWire

/// JSON schemas of the bodies of OpenAI's, Cohere's and infinity's forms. `model` may be left out where one is served.
enum OpenAISchema {
    private static let model = JSONValue.Member("model", BodySchema.text)
    private static let ids = BodySchema.list(BodySchema.count)

    static let embeddings = BodySchema.object(
        [
            .init(
                "input", BodySchema.oneOf(BodySchema.text, BodySchema.list(BodySchema.text), ids, BodySchema.list(ids))
            )
        ],
        optional: [
            model, .init("encoding_format", BodySchema.choice("float", "base64")),
            .init("dimensions", BodySchema.count),
            .init("user", BodySchema.text),
        ])

    static let rerank = BodySchema.object(
        [
            .init("query", BodySchema.text),
            .init(
                "documents",
                BodySchema.list(BodySchema.oneOf(BodySchema.text, BodySchema.object([.init("text", BodySchema.text)])))
            ),
        ],
        optional: [
            model, .init("top_n", ["type": "integer", "minimum": 1]), .init("return_documents", BodySchema.flag),
            .init("raw_scores", BodySchema.flag),
        ])

    static let classify = BodySchema.object(
        [.init("input", BodySchema.oneOf(BodySchema.text, BodySchema.list(BodySchema.text)))],
        optional: [model, .init("raw_scores", BodySchema.flag)])
}
