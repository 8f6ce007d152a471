package import MartletCore

/// A JSON text as a tree (RFC 8259), for bodies that are small enough to be held whole.
package enum JSONValue: Sendable, Hashable {
    case null
    case bool(Bool)
    case number(JSONNumber)
    case string(String)
    case array([JSONValue])
    /// In the order in which they came; no name twice.
    case object([Member])

    package struct Member: Sendable, Hashable {
        package var name: String
        package var value: JSONValue

        package init(_ name: String, _ value: JSONValue) {
            self.name = name
            self.value = value
        }
    }

    /// - Throws: `.invalidArgument` for what is not JSON, is nested deeper than `JSONCursor.depthMax`, or has a name
    ///   twice in one object.
    package init(parsing bytes: [UInt8], source: String = "the body") throws(MartletError) {
        var cursor = try JSONCursor(bytes, source: source)
        self = try Self.read(&cursor)
        try cursor.end()
    }

    private static func read(_ cursor: inout JSONCursor) throws(MartletError) -> JSONValue {
        switch try cursor.kind() {
        case .null:
            try cursor.null()
            return .null
        case .bool: return .bool(try cursor.bool())
        case .number: return .number(JSONNumber(text: try cursor.number()))
        case .string: return .string(String(decoding: try cursor.string(), as: UTF8.self))
        case .array:
            var elements: [JSONValue] = []
            try cursor.array { (cursor) throws(MartletError) in elements.append(try read(&cursor)) }
            return .array(elements)
        case .object:
            var members: [Member] = []
            // Bytes, because `String` compares by canonical equivalence.
            var names: Set<[UInt8]> = []
            try cursor.object { (cursor, name) throws(MartletError) in
                guard names.insert(name).inserted else { throw cursor.broken("has a name twice in one object") }
                members.append(Member(String(decoding: name, as: UTF8.self), try read(&cursor)))
            }
            return .object(members)
        }
    }

    /// The member of an object; nil for other values and other names.
    package subscript(_ name: String) -> JSONValue? {
        guard case .object(let members) = self else { return nil }
        return members.first { $0.name == name }?.value
    }
}

/// A number as it is written, so that no digit is lost on the way.
package struct JSONNumber: Sendable, Hashable {
    package let text: String

    /// - Parameter text: a number by JSON's grammar.
    init(text: String) { self.text = text }

    /// Also of `7.0` and `7e2`, which are integers to JSON Schema; nil when it is none, or does not fit.
    package var integer: Int? {
        if let integer = Int(text) { return integer }
        // Beyond 2^53 a double is not the number that is written.
        guard let double, double.magnitude <= 9_007_199_254_740_992 else { return nil }
        return Int(exactly: double)
    }
    /// Nil when it is beyond the range of `Double`.
    package var double: Double? { Double(text).flatMap { $0.isFinite ? $0 : nil } }
}

extension JSONValue: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral, ExpressibleByBooleanLiteral,
    ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral
{
    package init(stringLiteral value: String) { self = .string(value) }
    package init(integerLiteral value: Int) { self = .integer(value) }
    package init(booleanLiteral value: Bool) { self = .bool(value) }
    package init(arrayLiteral elements: JSONValue...) { self = .array(elements) }
    /// Keeps the order in which the members are written.
    package init(dictionaryLiteral elements: (String, JSONValue)...) {
        self = .object(elements.map { Member($0.0, $0.1) })
    }

    package static func integer(_ value: some BinaryInteger) -> JSONValue { .number(JSONNumber(text: "\(value)")) }

    /// The shortest digits that read back as the same value; the strings "NaN", "Infinity" and "-Infinity" (as proto3
    /// JSON has them) for what JSON has no number for.
    package static func float(_ value: Float) -> JSONValue {
        value.isFinite ? .number(JSONNumber(text: "\(value)")) : .string(nonFinite(Double(value)))
    }

    package static func double(_ value: Double) -> JSONValue {
        value.isFinite ? .number(JSONNumber(text: "\(value)")) : .string(nonFinite(value))
    }

    private static func nonFinite(_ value: Double) -> String {
        value.isNaN ? "NaN" : value > 0 ? "Infinity" : "-Infinity"
    }
}
