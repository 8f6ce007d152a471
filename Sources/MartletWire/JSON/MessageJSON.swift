package import MartletCore

/// Messages of a schema as JSON and back, by the JSON rules of proto3; no struct for each message.
///
/// Out: names in lowerCamelCase, 64-bit integers as strings, enums by name, bytes in base64, and every field that has
/// no presence also when it is zero or empty, so that a script need not ask whether `windows` is there. Members of a
/// oneof, optional fields and messages are left out when they are not set.
///
/// In: either name, 64-bit integers as numbers too, enums by number too, base64 of both alphabets, null for unset. An
/// unknown name is refused, because a misspelt option that is ignored is worse than an error; so are a name that comes
/// twice and two members of one oneof.
package final class MessageJSON: Sendable {
    package let schema: Schema
    let tables: [Table]

    /// What reading and writing a message needs, prepared. Objects, because a copy of a struct with texts in it costs
    /// more than reading a field.
    final class Table: Sendable {
        let message: SchemaMessage
        let fields: [Field]

        init(_ message: SchemaMessage) {
            self.message = message
            fields = message.fields.map { Field($0) }
        }

        func index(of name: [UInt8]) -> Int? {
            fields.firstIndex { $0.jsonName == name } ?? fields.firstIndex { $0.name == name }
        }

        func index(ofNumber number: Int) -> Int? {
            // Most messages number their fields from 1 without a gap.
            if number >= 1, number <= fields.count, fields[number - 1].number == number { return number - 1 }
            return fields.firstIndex { $0.number == number }
        }
    }

    final class Field: Sendable {
        let jsonName: [UInt8]
        let name: [UInt8]
        /// `"topK":`
        let prefix: [UInt8]
        let number: Int
        let kind: SchemaField.Kind
        let wireType: WireType
        let isRepeated: Bool
        let isMap: Bool
        let isPacked: Bool
        let hasPresence: Bool
        let oneof: Int?

        init(_ field: SchemaField) {
            jsonName = Array(field.jsonName.utf8)
            name = Array(field.name.utf8)
            prefix = Array("\"\(field.jsonName)\":".utf8)
            number = field.number
            kind = field.kind
            wireType = field.wireType
            isRepeated = field.isRepeated
            isMap = field.isMap
            isPacked = field.isPacked
            hasPresence = field.hasPresence
            oneof = field.oneof
        }
    }

    /// For the messages of `Protos/`.
    package static let embedded = MessageJSON(schema: .embedded)

    package init(schema: Schema) {
        self.schema = schema
        tables = schema.messages.map { Table($0) }
    }

    /// The wire bytes of a JSON text.
    /// - Parameter message: a place in `schema.messages`.
    /// - Throws: `.invalidArgument` naming the place, such as `inputs[2].pair must be a string`.
    package func wire(of json: [UInt8], as message: Int) throws(MartletError) -> [UInt8] {
        var cursor = try JSONCursor(json, source: "the body")
        var writer = WireWriter()
        var reading = MessageReading(codec: self)
        try reading.message(message, &cursor, &writer)
        try cursor.end()
        return writer.bytes
    }

    /// The JSON text of wire bytes, on one line.
    /// - Throws: `.invalidArgument` for what is not a message, or holds text that is not UTF-8.
    package func json(of wire: [UInt8], as message: Int) throws(MartletError) -> [UInt8] {
        var writing = MessageWriting(codec: self)
        // JSON is about twice the size of the wire form of texts, and four times that of numbers.
        writing.json.reserveCapacity(256 + 3 * wire.count)
        try writing.message(message, WireReader(wire))
        return writing.json
    }
}
