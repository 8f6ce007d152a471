internal import MartletCore

/// Single values.
extension MessageWriting {
    mutating func write(
        _ kind: SchemaField.Kind, _ value: Value, _ reader: WireReader
    ) throws(MartletError) {
        switch value {
        case .number(let number): write(kind, number)
        case .range(let range):
            switch kind {
            case .message(let place): try message(place, WireReader(reader.bytes, in: range))
            case .bytes:
                json.append(UInt8(ascii: "\""))
                json.append(contentsOf: Base64.encoded(reader.bytes[range], padded: true))
                json.append(UInt8(ascii: "\""))
            default: try writeText(reader.bytes, range, reader)
            }
        }
    }

    private mutating func writeText(
        _ bytes: [UInt8], _ range: Range<Int>, _ reader: WireReader
    ) throws(MartletError) {
        json.append(UInt8(ascii: "\""))
        var start = range.lowerBound
        var isASCII = true
        for place in range {
            let byte = bytes[place]
            if byte >= 0x80 {
                isASCII = false
            } else if byte < 0x20 || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") {
                json.append(contentsOf: bytes[start..<place])
                JSONValue.appendEscaped(byte, to: &json)
                start = place + 1
            }
        }
        json.append(contentsOf: bytes[start..<range.upperBound])
        json.append(UInt8(ascii: "\""))
        guard isASCII || String(validating: bytes[range], as: UTF8.self) != nil else {
            throw reader.broken("has text that is not UTF-8")
        }
    }

    static func isQuoted(_ kind: SchemaField.Kind) -> Bool {
        switch kind {
        case .int64, .sint64, .sfixed64, .uint64, .fixed64: true
        default: false
        }
    }

    mutating func write(_ kind: SchemaField.Kind, _ number: UInt64) {
        switch kind {
        case .bool: json.append(contentsOf: (number == 0 ? "false" : "true").utf8)
        case .int32, .sfixed32: write(Int64(Int32(truncatingIfNeeded: number)))
        case .uint32, .fixed32: write(UInt64(UInt32(truncatingIfNeeded: number)))
        case .sint32: write(Int64(Int32(truncatingIfNeeded: Self.unfolded(number))))
        case .double: write(Double(bitPattern: number))
        case .float:
            let value = Float(bitPattern: UInt32(truncatingIfNeeded: number))
            if value.isFinite { json.append(contentsOf: value.description.utf8) } else { write(Double(value)) }
        case .enumeration(let place):
            let value = Int32(truncatingIfNeeded: number)
            guard let name = codec.schema.enums[place].name(of: value) else { return write(Int64(value)) }
            json.append(UInt8(ascii: "\""))
            json.append(contentsOf: name.utf8)
            json.append(UInt8(ascii: "\""))
        default:
            json.append(UInt8(ascii: "\""))
            switch kind {
            case .int64, .sfixed64: write(Int64(bitPattern: number))
            case .sint64: write(Self.unfolded(number))
            default: write(number)
            }
            json.append(UInt8(ascii: "\""))
        }
    }

    mutating func writeZero(_ kind: SchemaField.Kind) {
        switch kind {
        case .string, .bytes: json.append(contentsOf: "\"\"".utf8)
        default: write(kind, 0)
        }
    }

    private mutating func write(_ value: Double) {
        if value.isFinite {
            json.append(contentsOf: value.description.utf8)
        } else {
            json.append(contentsOf: (value.isNaN ? "\"NaN\"" : value > 0 ? "\"Infinity\"" : "\"-Infinity\"").utf8)
        }
    }

    private mutating func write(_ value: Int64) {
        if value < 0 { json.append(UInt8(ascii: "-")) }
        write(value.magnitude)
    }

    /// Digit by digit: making a `String` of each number costs more than all the rest of a small message.
    private mutating func write(_ value: UInt64) {
        let start = json.count
        var rest = value
        repeat {
            json.append(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10))
            rest /= 10
        } while rest > 0
        json[start...].reverse()
    }

    /// ZigZag.
    private static func unfolded(_ number: UInt64) -> Int64 {
        Int64(bitPattern: number >> 1) ^ -Int64(bitPattern: number & 1)
    }
}
