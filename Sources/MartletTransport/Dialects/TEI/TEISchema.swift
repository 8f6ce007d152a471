internal import MartletWire

/// JSON schemas of TEI's bodies.
enum TEISchema {
    private static let truncation: [JSONValue.Member] = [
        .init("truncate", BodySchema.orNull(BodySchema.flag)),
        .init("truncation_direction", BodySchema.choice("Left", "Right", "left", "right")),
    ]
    private static let text = BodySchema.someText
    private static let oneOrPair: JSONValue = ["type": "array", "items": text, "minItems": 1, "maxItems": 2]
    private static let ids = BodySchema.some(BodySchema.tokenID)
    private static let vector = BodySchema.list(BodySchema.number)
    private static let predictions = BodySchema.list(
        BodySchema.object([.init("score", BodySchema.number), .init("label", BodySchema.text)]))

    static let predict = BodySchema.object(
        [
            .init(
                "inputs",
                // A list of texts is one text or a pair: what TEI's users trip over.
                BodySchema.oneOf(text, oneOrPair, BodySchema.some(oneOrPair)))
        ], optional: truncation + [.init("raw_scores", BodySchema.flag)])
    static let predicted = BodySchema.oneOf(predictions, BodySchema.list(predictions))

    static let embed = BodySchema.object(
        [
            .init("inputs", BodySchema.oneOf(text, ids, BodySchema.some(BodySchema.oneOf(text, ids))))
        ],
        optional: truncation + [
            .init("normalize", BodySchema.flag), .init("dimensions", BodySchema.orNull(BodySchema.dimensions)),
            .init("prompt_name", ["type": "null"]),
        ])
    static let embedded = BodySchema.list(vector)
    static let embeddedAll = BodySchema.list(BodySchema.list(vector))

    static let rerank = BodySchema.object(
        [.init("query", text), .init("texts", BodySchema.some(text))],
        optional: truncation + [.init("raw_scores", BodySchema.flag), .init("return_text", BodySchema.flag)])

    static let similarity = BodySchema.object(
        [
            .init(
                "inputs",
                BodySchema.object([
                    .init("source_sentence", text), .init("sentences", BodySchema.some(text)),
                ]))
        ], optional: [.init("parameters", BodySchema.object([], optional: truncation))])

    static let tokenize = BodySchema.object(
        [.init("inputs", BodySchema.oneOf(text, BodySchema.some(text)))],
        optional: [.init("add_special_tokens", BodySchema.flag), .init("prompt_name", ["type": "null"])])
    static let decode = BodySchema.object(
        [.init("ids", BodySchema.oneOf(ids, BodySchema.some(ids)))],
        optional: [.init("skip_special_tokens", BodySchema.flag)])
}
