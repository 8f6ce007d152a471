internal import MartletCore

/// Single values, and the keys of maps.
extension MessageReading {
    func mapKey(
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

    mutating func value(
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
}
