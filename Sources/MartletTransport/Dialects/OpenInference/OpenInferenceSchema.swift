internal import MartletWire

/// JSON schemas of the Open Inference Protocol's larger bodies.
enum OpenInferenceSchema {
    private static let shape = BodySchema.list(["type": "integer"])
    private static let tensor = BodySchema.object([
        .init("name", BodySchema.text), .init("datatype", BodySchema.text), .init("shape", shape),
    ])

    static let server = BodySchema.object([
        .init("name", BodySchema.text), .init("version", BodySchema.text),
        .init("extensions", BodySchema.list(BodySchema.text)),
    ])

    static let model = BodySchema.object([
        .init("name", BodySchema.text), .init("versions", BodySchema.list(BodySchema.text)),
        .init("platform", BodySchema.text),
        .init("inputs", BodySchema.list(tensor)), .init("outputs", BodySchema.list(tensor)),
    ])

    static let request = BodySchema.object(
        [
            .init(
                "inputs",
                BodySchema.list(
                    BodySchema.object(
                        [
                            .init("name", BodySchema.text), .init("shape", shape),
                            .init("datatype", BodySchema.choice("BYTES")),
                        ],
                        optional: [
                            .init(
                                "data",
                                BodySchema.list(BodySchema.oneOf(BodySchema.text, BodySchema.list(BodySchema.text)))),
                            .init("parameters", BodySchema.anyObject),
                        ])))
        ],
        optional: [
            .init("id", BodySchema.text), .init("parameters", BodySchema.anyObject),
            .init(
                "outputs",
                BodySchema.list(
                    BodySchema.object(
                        [.init("name", BodySchema.text)], optional: [.init("parameters", BodySchema.anyObject)]))),
        ])

    static let response = BodySchema.object(
        [
            .init("model_name", BodySchema.text), .init("model_version", BodySchema.text),
            .init(
                "outputs",
                BodySchema.list(
                    BodySchema.object(
                        [.init("name", BodySchema.text), .init("datatype", BodySchema.text), .init("shape", shape)],
                        optional: [.init("data", ["type": "array"]), .init("parameters", BodySchema.anyObject)]))),
        ], optional: [.init("id", BodySchema.text)])
}
