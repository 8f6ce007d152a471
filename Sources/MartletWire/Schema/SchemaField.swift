/// A field of a message.
package struct SchemaField: Sendable {
    package enum Kind: Sendable, Hashable {
        case double, float
        case int32, int64, uint32, uint64, sint32, sint64
        case fixed32, fixed64, sfixed32, sfixed64
        case bool, string, bytes
        /// A place in `Schema.messages`.
        case message(Int)
        /// A place in `Schema.enums`.
        case enumeration(Int)
    }

    /// As in the proto, such as `top_k`.
    package let name: String
    /// Such as `topK`.
    package let jsonName: String
    package let number: Int
    package let kind: Kind
    /// A list, or a map.
    package let isRepeated: Bool
    /// The place in its message's `oneofs`; nil outside one. An `optional` field is not in a oneof here, although
    /// protoc makes it one.
    package let oneof: Int?
    /// `optional` in the proto: unset and zero differ.
    package let isOptional: Bool
    /// `map<...>`: `kind` is the entry message, with the fields `key` and `value`.
    package internal(set) var isMap = false

    /// Unset differs from zero: in a oneof, optional, or a message.
    package var hasPresence: Bool {
        if case .message = kind { return !isRepeated }
        return oneof != nil || isOptional
    }

    package var wireType: WireType {
        switch kind {
        case .double, .fixed64, .sfixed64: .fixed64
        case .float, .fixed32, .sfixed32: .fixed32
        case .string, .bytes, .message: .lengthDelimited
        default: .varint
        }
    }

    /// Lists of numbers stand in one length-delimited value, unless an old writer wrote them one by one.
    package var isPacked: Bool { isRepeated && wireType != .lengthDelimited }
}

package struct SchemaMessage: Sendable {
    /// Such as `martlet.v1.ClassifyRequest`.
    package let fullName: String
    /// By field number.
    package let fields: [SchemaField]
    package let oneofs: [String]

    /// The place in `fields` of a field number; nil when there is none.
    package func index(ofNumber number: Int) -> Int? {
        // Most messages number their fields from 1 without a gap.
        if fields.indices.contains(number - 1), fields[number - 1].number == number { return number - 1 }
        return fields.firstIndex { $0.number == number }
    }

    package func field(named name: String) -> SchemaField? {
        fields.first { $0.jsonName == name || $0.name == name }
    }
}

package struct SchemaEnum: Sendable {
    package let fullName: String
    package let values: [Value]

    package struct Value: Sendable, Hashable {
        package let name: String
        package let number: Int32
    }

    package func name(of number: Int32) -> String? { values.first { $0.number == number }?.name }
    package func number(of name: String) -> Int32? { values.first { $0.name == name }?.number }
}

package struct SchemaService: Sendable {
    package let fullName: String
    package let methods: [SchemaMethod]
}

package struct SchemaMethod: Sendable {
    package let name: String
    /// Path and streaming kinds.
    package let method: Method
    /// Places in `Schema.messages`.
    package let input: Int
    package let output: Int
}

/// A proto file as reflection gives it out.
package struct SchemaFile: Sendable {
    /// Such as `martlet/v1/types.proto`.
    package let name: String
    package let dependencies: [String]
    /// The serialised `FileDescriptorProto`.
    package let bytes: [UInt8]
    /// Full names of everything it defines: messages and enums (nested ones too), their fields and values, services and
    /// methods.
    package let symbols: [String]
}
