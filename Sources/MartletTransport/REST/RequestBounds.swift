internal import MartletCore
internal import MartletWire

/// What the OpenAPI document says of requests beyond their protos: how long lists may be, how names look, and what must
/// be there. The service layer checks all of it; here it is told.
struct RequestBounds: Sendable {
    private let fields: [String: [String: [JSONValue.Member]]]

    /// Fields without which a message says nothing.
    private static let required: [String: [JSONValue]] = [
        "martlet.v1.ModelReference": ["name"],
        "martlet.v1.ClassifyRequest": ["inputs"],
        "martlet.v1.ClassifyStreamRequest": ["request"],
        "martlet.v1.EmbedRequest": ["inputs"],
        "martlet.v1.TokenizeRequest": ["inputs"],
        "martlet.v1.DetokenizeRequest": ["sequences"],
    ]

    init(limits: Limits) {
        let texts: [JSONValue.Member] = [.init("minItems", 1), .init("maxItems", .integer(limits.textsPerRequestMax))]
        let name: [JSONValue.Member] = [.init("pattern", .string(BodySchema.namePattern))]
        let text: [JSONValue.Member] = [.init("maxLength", .integer(limits.textBytesMax))]
        fields = [
            "martlet.v1.ModelReference": ["name": name, "version": [.init("minimum", 1)], "label": name],
            "martlet.v1.TextInput": ["text": text, "pair": text],
            "martlet.v1.ClassifyRequest": ["inputs": texts],
            "martlet.v1.EmbedRequest": ["inputs": texts],
            "martlet.v1.EmbedInput": ["text": [.init("minLength", 1)] + text],
            "martlet.v1.TokenizeRequest": ["inputs": texts],
            "martlet.v1.DetokenizeRequest": ["sequences": texts],
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
            if let required = Self.required[schema.name] { members.append(.init("required", .array(required))) }
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
