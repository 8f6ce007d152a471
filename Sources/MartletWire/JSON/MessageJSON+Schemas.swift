extension MessageJSON {
    /// JSON schemas (2020-12, as OpenAPI 3.1 takes them) of a message and every message and enum it leads to, by full
    /// name, as they stand under `#/components/schemas`.
    package func schemas(of messages: [Int]) -> [JSONValue.Member] {
        var found: [String: JSONValue] = [:]
        var open = messages
        while let place = open.popLast() {
            let message = schema.messages[place]
            guard found[message.fullName] == nil else { continue }
            var properties: [JSONValue.Member] = []
            for field in message.fields {
                properties.append(.init(field.jsonName, fieldSchema(field, &open, &found)))
            }
            var object: [JSONValue.Member] = [.init("type", "object")]
            if !properties.isEmpty { object.append(.init("properties", .object(properties))) }
            object.append(.init("additionalProperties", false))
            let exclusions = exclusions(of: message)
            if !exclusions.isEmpty { object.append(.init("allOf", .array(exclusions))) }
            found[message.fullName] = .object(object)
        }
        return found.sorted { $0.key < $1.key }.map { JSONValue.Member($0.key, $0.value) }
    }

    /// Of each two members of a oneof: not both.
    private func exclusions(of message: SchemaMessage) -> [JSONValue] {
        message.oneofs.indices.flatMap { oneof -> [JSONValue] in
            let names = message.fields.filter { $0.oneof == oneof }.map(\.jsonName)
            return names.indices.flatMap { first in
                names[(first + 1)...].map { ["not": ["required": [.string(names[first]), .string($0)]]] }
            }
        }
    }

    /// The schema of one field's values in a path or a query.
    package func schema(ofText path: String, in message: Int) -> JSONValue? {
        var place = message
        var parts = path.split(separator: ".")[...]
        while let part = parts.popFirst() {
            guard let field = schema.messages[place].field(named: String(part)) else { return nil }
            guard case .message(let inner) = field.kind else {
                var open: [Int] = []
                var found: [String: JSONValue] = [:]
                let value = fieldSchema(field, &open, &found)
                guard case .enumeration(let place) = field.kind else { return value }
                return enumSchema(place)
            }
            place = inner
        }
        return nil
    }

    /// Names of the fields of a message that a query can hold, with dots into messages.
    package func textPaths(of message: Int) -> [String] {
        schema.messages[message].fields.flatMap { field -> [String] in
            if case .message(let inner) = field.kind {
                return field.isRepeated ? [] : textPaths(of: inner).map { "\(field.jsonName).\($0)" }
            }
            return [field.jsonName]
        }
    }

    private func fieldSchema(
        _ field: SchemaField, _ open: inout [Int], _ found: inout [String: JSONValue]
    ) -> JSONValue {
        if field.isMap, case .message(let place) = field.kind, let value = schema.messages[place].fields.last {
            return ["type": "object", "additionalProperties": valueSchema(value.kind, &open, &found)]
        }
        let value = valueSchema(field.kind, &open, &found)
        return field.isRepeated ? ["type": "array", "items": value] : value
    }

    private func valueSchema(
        _ kind: SchemaField.Kind, _ open: inout [Int], _ found: inout [String: JSONValue]
    ) -> JSONValue {
        switch kind {
        case .message(let place):
            open.append(place)
            return ["$ref": .string("#/components/schemas/\(schema.messages[place].fullName)")]
        case .enumeration(let place):
            let name = schema.enums[place].fullName
            found[name] = enumSchema(place)
            return ["$ref": .string("#/components/schemas/\(name)")]
        case .bool: return ["type": "boolean"]
        case .string: return ["type": "string"]
        case .bytes: return ["type": "string", "contentEncoding": "base64"]
        case .float, .double:
            let format: JSONValue = kind == .float ? "float" : "double"
            return ["anyOf": [["type": "number", "format": format], ["enum": ["NaN", "Infinity", "-Infinity"]]]]
        case .uint32, .fixed32: return ["type": "integer", "format": "uint32", "minimum": 0, "maximum": 4_294_967_295]
        case .int32, .sint32, .sfixed32:
            return ["type": "integer", "format": "int32", "minimum": -2_147_483_648, "maximum": 2_147_483_647]
        case .uint64, .fixed64: return ["type": ["string", "integer"], "format": "uint64", "pattern": "^[0-9]+$"]
        case .int64, .sint64, .sfixed64:
            return ["type": ["string", "integer"], "format": "int64", "pattern": "^-?[0-9]+$"]
        }
    }

    private func enumSchema(_ place: Int) -> JSONValue {
        ["type": "string", "enum": .array(schema.enums[place].values.map { .string($0.name) })]
    }
}
