internal import MartletWire

/// JSON schemas of the dialects' bodies, for the OpenAPI document. They say what is there; the routes say what is
/// wrong.
enum BodySchema {
    static let text: JSONValue = ["type": "string"]
    static let flag: JSONValue = ["type": "boolean"]
    static let number: JSONValue = ["type": "number"]
    static let count: JSONValue = ["type": "integer", "minimum": 0]
    /// Of a model, and of a version label.
    static let namePattern = "^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$"
    /// Of a model or a label; a version's number has this form too.
    static let name: JSONValue = ["type": "string", "pattern": .string(namePattern)]
    /// Of a version's number where it can be nothing else.
    static let version: JSONValue = ["type": "integer", "minimum": 1, "maximum": 4_294_967_295]
    static let model: JSONValue = [
        "type": "string",
        "pattern": "^[A-Za-z0-9][A-Za-z0-9._-]{0,127}(@[1-9][0-9]{0,8}|:[A-Za-z0-9][A-Za-z0-9._-]{0,127})?$",
        "description": "name, name@version or name:label; the server's default when missing",
    ]
    static let anyObject: JSONValue = ["type": "object"]

    /// Of a request: there is nothing to read in an empty one.
    static let someText: JSONValue = ["type": "string", "minLength": 1]
    static let tokenID: JSONValue = ["type": "integer", "minimum": 0, "maximum": 2_147_483_647]
    static let dimensions: JSONValue = ["type": "integer", "minimum": 1, "maximum": 2_147_483_647]

    static func list(_ element: JSONValue) -> JSONValue { ["type": "array", "items": element] }
    /// A list that has at least one element.
    static func some(_ element: JSONValue) -> JSONValue { ["type": "array", "items": element, "minItems": 1] }
    static func oneOf(_ schemas: JSONValue...) -> JSONValue { ["anyOf": .array(schemas)] }
    static func orNull(_ schema: JSONValue) -> JSONValue { oneOf(schema, ["type": "null"]) }
    static func choice(_ values: String...) -> JSONValue {
        ["type": "string", "enum": .array(values.map { .string($0) })]
    }

    /// Members that must be there, and ones that may be.
    static func object(_ required: [JSONValue.Member], optional: [JSONValue.Member] = []) -> JSONValue {
        var members: [JSONValue.Member] = [.init("type", "object"), .init("properties", .object(required + optional))]
        if !required.isEmpty { members.append(.init("required", .array(required.map { .string($0.name) }))) }
        return .object(members)
    }
}
