internal import MartletCore

/// JSON to wire bytes, front to back.
struct MessageReading {
    let codec: MessageJSON
    /// Where we are, for errors.
    private var path: [Step] = []

    private enum Step {
        case name([UInt8])
        case index(Int)
    }

    init(codec: MessageJSON) { self.codec = codec }

    mutating func message(
        _ place: Int, _ cursor: inout JSONCursor, _ writer: inout WireWriter
    ) throws(MartletError) {
        guard try cursor.kind() == .object else { throw mustBe("an object") }
        let table = codec.tables[place]
        var seen = [Bool](repeating: false, count: table.fields.count)
        var setOneofs: [Int] = []
        try cursor.object { (cursor, name) throws(MartletError) in
            guard let index = table.index(of: name) else { throw unknown(name, in: table.message) }
            path.append(.name(name))
            guard !seen[index] else { throw wrong("is given twice") }
            seen[index] = true
            if try cursor.kind() == .null {
                try cursor.null()
            } else {
                let field = table.fields[index]
                if let oneof = field.oneof {
                    guard !setOneofs.contains(oneof) else {
                        throw wrong("is one of several of which only one may be given")
                    }
                    setOneofs.append(oneof)
                }
                try self.field(field, &cursor, &writer)
            }
            path.removeLast()
        }
    }

    private mutating func field(
        _ field: MessageJSON.Field, _ cursor: inout JSONCursor, _ writer: inout WireWriter
    ) throws(MartletError) {
        if field.isMap { return try map(field, &cursor, &writer) }
        guard field.isRepeated else {
            writer.key(field.number, field.wireType)
            return try value(field.kind, &cursor, &writer)
        }
        guard try cursor.kind() == .array else { throw mustBe("a list") }
        if field.isPacked {
            writer.key(field.number, .lengthDelimited)
            try writer.delimited { (writer) throws(MartletError) in
                try elements(&cursor) { (reading, cursor) throws(MartletError) in
                    try reading.value(field.kind, &cursor, &writer)
                }
            }
        } else {
            try elements(&cursor) { (reading, cursor) throws(MartletError) in
                writer.key(field.number, .lengthDelimited)
                try reading.value(field.kind, &cursor, &writer)
            }
        }
    }

    private mutating func elements(
        _ cursor: inout JSONCursor,
        _ take: (inout MessageReading, inout JSONCursor) throws(MartletError) -> Void
    ) throws(MartletError) {
        var index = 0
        try cursor.array { (cursor) throws(MartletError) in
            path.append(.index(index))
            try take(&self, &cursor)
            path.removeLast()
            index += 1
        }
    }

    private mutating func map(
        _ field: MessageJSON.Field, _ cursor: inout JSONCursor, _ writer: inout WireWriter
    ) throws(MartletError) {
        guard case .message(let place) = field.kind, let key = codec.tables[place].fields.first,
            let entry = codec.tables[place].fields.last, try cursor.kind() == .object
        else { throw mustBe("an object") }
        var names: Set<[UInt8]> = []
        try cursor.object { (cursor, name) throws(MartletError) in
            path.append(.name(name))
            guard names.insert(name).inserted else { throw wrong("is given twice") }
            writer.key(field.number, .lengthDelimited)
            try writer.delimited { (writer) throws(MartletError) in
                writer.key(key.number, key.wireType)
                try mapKey(key.kind, name, &writer)
                writer.key(entry.number, entry.wireType)
                try value(entry.kind, &cursor, &writer)
            }
            path.removeLast()
        }
    }

    private func mapKey(
        _ kind: SchemaField.Kind, _ name: [UInt8], _ writer: inout WireWriter
    ) throws(MartletError) {
        switch kind {
        case .string: writer.delimited(name)
        case .bool:
            guard name == Array("true".utf8) || name == Array("false".utf8) else {
                throw mustBe("under the name true or false")
            }
            writer.varint(name.count == 4 ? 1 : 0)
        default: try integer(kind, String(decoding: name, as: UTF8.self), &writer)
        }
    }

    // MARK: Values

    private mutating func value(
        _ kind: SchemaField.Kind, _ cursor: inout JSONCursor, _ writer: inout WireWriter
    ) throws(MartletError) {
        let found = try cursor.kind()
        switch kind {
        case .message(let place):
            try writer.delimited { (writer) throws(MartletError) in try message(place, &cursor, &writer) }
        case .string:
            guard found == .string else { throw mustBe("a string") }
            writer.delimited(try cursor.string())
        case .bytes:
            guard found == .string, let bytes = Base64.decoded(Self.standardAlphabet(try cursor.string())) else {
                throw mustBe("a string of base64")
            }
            writer.delimited(bytes)
        case .bool:
            guard found == .bool else { throw mustBe("true or false") }
            writer.varint(try cursor.bool() ? 1 : 0)
        case .enumeration(let place): try enumeration(codec.schema.enums[place], found, &cursor, &writer)
        case .double, .float:
            guard found == .number || found == .string else { throw mustBe("a number") }
            let text = found == .number ? try cursor.number() : String(decoding: try cursor.string(), as: UTF8.self)
            try floating(kind, text, isNumber: found == .number, &writer)
        default:
            guard found == .number || found == .string else { throw mustBeInteger(kind) }
            let text = found == .number ? try cursor.number() : String(decoding: try cursor.string(), as: UTF8.self)
            try integer(kind, text, &writer)
        }
    }

    private func enumeration(
        _ type: SchemaEnum, _ found: JSONCursor.Kind, _ cursor: inout JSONCursor, _ writer: inout WireWriter
    ) throws(MartletError) {
        var number: Int32?
        if found == .string {
            number = type.number(of: String(decoding: try cursor.string(), as: UTF8.self))
        } else if found == .number {
            // An open enum: a number that this version does not know is a value too.
            number = Int32(try cursor.number())
        }
        guard let number else {
            throw mustBe("one of " + type.values.map(\.name).joined(separator: ", "))
        }
        writer.varint(UInt64(bitPattern: Int64(number)))
    }

    private func floating(
        _ kind: SchemaField.Kind, _ text: String, isNumber: Bool, _ writer: inout WireWriter
    ) throws(MartletError) {
        let named: Double? =
            switch isNumber ? "" : text {
            case "NaN": .nan
            case "Infinity": .infinity
            case "-Infinity": -.infinity
            default: nil
            }
        guard named != nil || Self.isDecimal(text) else { throw mustBe("a number") }
        if kind == .double {
            let value = named ?? Double(text) ?? .nan
            guard named != nil || value.isFinite else { throw mustBe("a number within the range of a double") }
            writer.fixed64(value.bitPattern)
        } else {
            let value = named.map { Float($0) } ?? Float(text) ?? .nan
            guard named != nil || value.isFinite else { throw mustBe("a number within the range of a 32-bit float") }
            writer.fixed32(value.bitPattern)
        }
    }

    private func integer(
        _ kind: SchemaField.Kind, _ text: String, _ writer: inout WireWriter
    ) throws(MartletError) {
        switch kind {
        case .int32, .sint32, .sfixed32, .int64, .sint64, .sfixed64:
            guard let value = Self.exact(text, Int64.self), Self.range(kind).contains(value) else {
                throw mustBeInteger(kind)
            }
            switch kind {
            case .int32, .int64: writer.varint(UInt64(bitPattern: value))
            case .sint32, .sint64: writer.varint(UInt64(bitPattern: value << 1 ^ value >> 63))
            case .sfixed32: writer.fixed32(UInt32(truncatingIfNeeded: value))
            default: writer.fixed64(UInt64(bitPattern: value))
            }
        default:
            guard let value = Self.exact(text, UInt64.self),
                value <= UInt64(UInt32.max) || kind == .uint64 || kind == .fixed64
            else { throw mustBeInteger(kind) }
            switch kind {
            case .fixed32: writer.fixed32(UInt32(truncatingIfNeeded: value))
            case .fixed64: writer.fixed64(value)
            default: writer.varint(value)
            }
        }
    }

    private static func range(_ kind: SchemaField.Kind) -> ClosedRange<Int64> {
        switch kind {
        case .int32, .sint32, .sfixed32: Int64(Int32.min)...Int64(Int32.max)
        default: .min ... .max
        }
    }

    /// Also of the forms `1e3` and `5.0`, which are integers too.
    private static func exact<Integer: FixedWidthInteger>(_ text: String, _: Integer.Type) -> Integer? {
        if let value = Integer(text) { return value }
        guard isDecimal(text), let value = Double(text), value.magnitude < 9_007_199_254_740_992 else { return nil }
        return Integer(exactly: value)
    }

    /// Without the forms that `Double` reads and JSON has not, such as `0x1p3` and `nan`.
    private static func isDecimal(_ text: String) -> Bool {
        !text.isEmpty
            && text.utf8.allSatisfy { byte in
                (0x30...0x39).contains(byte) || byte == UInt8(ascii: "-") || byte == UInt8(ascii: "+")
                    || byte == UInt8(ascii: ".") || byte == UInt8(ascii: "e") || byte == UInt8(ascii: "E")
            }
    }

    private static func standardAlphabet(_ text: [UInt8]) -> [UInt8] {
        text.map { $0 == UInt8(ascii: "-") ? UInt8(ascii: "+") : $0 == UInt8(ascii: "_") ? UInt8(ascii: "/") : $0 }
    }

    // MARK: Errors

    /// Such as `inputs[2].pair`.
    private var place: String {
        var text = ""
        for step in path {
            switch step {
            case .name(let name):
                if !text.isEmpty { text += "." }
                text += String(decoding: name.prefix(60), as: UTF8.self)
            case .index(let index): text += "[\(index)]"
            }
        }
        return text.isEmpty ? "the body" : text
    }

    private func wrong(_ what: String) -> MartletError { MartletError(.invalidArgument, "\(place) \(what)") }

    private func mustBe(_ what: String) -> MartletError { wrong("must be \(what)") }

    private func mustBeInteger(_ kind: SchemaField.Kind) -> MartletError {
        let range =
            switch kind {
            case .int32, .sint32, .sfixed32: "-2147483648 to 2147483647"
            case .uint32, .fixed32: "0 to 4294967295"
            case .uint64, .fixed64: "0 to \(UInt64.max)"
            default: "\(Int64.min) to \(Int64.max)"
            }
        return mustBe("an integer from \(range)")
    }

    private func unknown(_ name: [UInt8], in message: SchemaMessage) -> MartletError {
        var shown = String(decoding: name.prefix(60), as: UTF8.self)
        if !path.isEmpty { shown = "\(place).\(shown)" }
        let names = message.fields.map(\.jsonName).joined(separator: ", ")
        let known = names.isEmpty ? "it has none" : "it has \(names)"
        return MartletError(.invalidArgument, "\(shown) is not a field of \(message.fullName); \(known)")
    }
}
