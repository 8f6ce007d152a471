internal import MartletCore
internal import MartletWire

/// What the OpenAPI document says of requests beyond their protos: how long lists may be, how names look, and what must
/// be there. The service layer checks all of it; here it is told.
struct RequestBounds: Sendable {
    private let fields: [String: [String: [JSONValue.Member]]]

    /// What a schema has besides its properties: fields without which a message says nothing.
    private static let conditions: [String: [JSONValue.Member]] = [
        "martlet.v1.ModelReference": [.init("required", ["name"])],
        "martlet.v1.TextInput": [.init("required", ["text"])],
        "martlet.v1.ClassifyRequest": [.init("required", ["inputs"])],
        "martlet.v1.ClassifyStreamRequest": [.init("required", ["request"])],
        "martlet.v1.EmbedRequest": [.init("required", ["inputs"])],
        "martlet.v1.EmbedInput": [.init("anyOf", [["required": ["text"]], ["required": ["tokenIds"]]])],
        "martlet.v1.TokenizeRequest": [.init("required", ["inputs"])],
        "martlet.v1.DetokenizeRequest": [.init("required", ["sequences"])],
        "martlet.v1.RouteTarget": [.init("required", ["version", "weight"])],
        "martlet.v1.RouteShadow": [.init("required", ["version", "percent"])],
        "martlet.v1.ModelRoute": [.init("required", ["targets"])],
        "martlet.v1.RolloutStep": [.init("required", ["percent"])],
        "martlet.v1.RolloutSpec": [.init("required", ["model", "version"])],
        "martlet.v1.PublishPart": [.init("anyOf", [["required": ["begin"]], ["required": ["bytes"]]])],
    ]

    init(limits: Limits) {
        let texts: [JSONValue.Member] = [.init("minItems", 1), .init("maxItems", .integer(limits.textsPerRequestMax))]
        let name: [JSONValue.Member] = [.init("pattern", .string(BodySchema.namePattern))]
        let version: [JSONValue.Member] = [.init("minimum", 1)]
        let percent: [JSONValue.Member] = [.init("exclusiveMinimum", 0), .init("maximum", 100)]
        let most: [JSONValue.Member] = [.init("maxLength", .integer(limits.textBytesMax))]
        let text = [.init("minLength", 1)] + most
        fields = [
            "martlet.v1.ModelReference": ["name": name, "version": [.init("minimum", 1)], "label": name],
            "martlet.v1.TextInput": ["text": text, "pair": most],
            "martlet.v1.ClassifyRequest": ["inputs": texts],
            "martlet.v1.EmbedRequest": ["inputs": texts],
            "martlet.v1.EmbedInput": ["text": text],
            "martlet.v1.TokenIDs": ["ids": [.init("minItems", 1)]],
            "martlet.v1.TokenizeRequest": ["inputs": texts],
            "martlet.v1.DetokenizeRequest": ["sequences": texts],
            "martlet.v1.RouteTarget": [
                "version": version, "weight": [.init("minimum", 1), .init("maximum", 1_000_000)],
            ],
            "martlet.v1.RouteShadow": ["version": version, "percent": percent],
            "martlet.v1.ModelRoute": ["targets": [.init("minItems", 1), .init("maxItems", 16)]],
            "martlet.v1.RolloutStep": ["percent": percent],
            "martlet.v1.RolloutSpec": [
                "model": name, "label": name, "version": version, "steps": [.init("maxItems", 32)],
                "shadowPercent": [.init("minimum", 0), .init("maximum", 100)],
            ],
        ]
    }

    /// The schemas of messages by their full names, with their bounds.
    func applied(to schemas: [JSONValue.Member]) -> [JSONValue.Member] {
        schemas.map { schema in
            guard case .object(var members) = schema.value else { return schema }
            if let bounds = fields[schema.name],
                let place = members.firstIndex(where: { $0.name == "properties" }),
                case .object(let properties) = members[place].value
            {
                members[place].value = .object(
                    properties.map { property in
                        guard let more = bounds[property.name] else { return property }
                        return .init(property.name, property.value.replacing(more))
                    })
            }
            members += Self.conditions[schema.name] ?? []
            return .init(schema.name, .object(members))
        }
    }
}

extension JSONValue {
    /// An object with these members instead of its own of the same names.
    fileprivate func replacing(_ others: [Member]) -> JSONValue {
        guard case .object(let members) = self else { return self }
        return .object(members.filter { member in !others.contains { $0.name == member.name } } + others)
    }
}
