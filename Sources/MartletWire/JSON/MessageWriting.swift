internal import MartletCore

/// Wire bytes to JSON, field by field in the order of their numbers.
struct MessageWriting {
    let codec: MessageJSON
    var json: [UInt8] = []
    /// The fields of the messages that are open, the innermost last.
    private var found: [Found] = []
    private var depth = 0

    private struct Found {
        /// A place in the message's fields.
        let field: Int
        let value: Value
    }

    private enum Value {
        case number(UInt64)
        /// Of a length-delimited field, within the bytes of the reader.
        case range(Range<Int>)
    }

    init(codec: MessageJSON) { self.codec = codec }

    mutating func message(_ place: Int, _ reader: WireReader) throws(MartletError) {
        depth += 1
        guard depth <= JSONCursor.depthMax else { throw reader.broken("is nested too deeply") }
        let table = codec.tables[place]
        let base = found.count
        try scan(table, reader, base)
        json.append(UInt8(ascii: "{"))
        var next = base
        var isFirst = true
        for index in table.fields.indices {
            let start = next
            while next < found.count, found[next].field == index { next += 1 }
            let field = table.fields[index]
            if start == next, field.hasPresence { continue }
            if !isFirst { json.append(UInt8(ascii: ",")) }
            isFirst = false
            json.append(contentsOf: table.fields[index].prefix)
            try self.field(field, start..<next, reader)
        }
        json.append(UInt8(ascii: "}"))
        found.removeSubrange(base...)
        depth -= 1
    }

    /// Notes every field that is known, by its place in the message, and in the order of the wire where it comes twice.
    private mutating func scan(
        _ table: MessageJSON.Table, _ reader: WireReader, _ base: Int
    ) throws(MartletError) {
        var reader = reader
        var isSorted = true
        var last = 0
        while let key = try reader.next() {
            guard let index = table.index(ofNumber: key.number) else {
                try reader.skip(key.type)
                continue
            }
            let value: Value =
                switch key.type {
                case .varint: .number(try reader.varint())
                case .fixed32: .number(UInt64(try reader.fixed32()))
                case .fixed64: .number(try reader.fixed64())
                case .lengthDelimited: .range(try reader.delimited())
                }
            let field = table.fields[index]
            // Of a field whose type changed between two versions, another wire type means an unknown field.
            guard key.type == field.wireType || field.isPacked && key.type == .lengthDelimited else { continue }
            if let oneof = field.oneof {
                // The last member of a oneof is the one that is set.
                for other in (base..<found.count).reversed()
                where found[other].field != index && table.fields[found[other].field].oneof == oneof {
                    found.remove(at: other)
                }
            }
            if index < last { isSorted = false }
            last = index
            found.append(Found(field: index, value: value))
        }
        if !isSorted {
            let sorted = found[base...].enumerated()
                .sorted { ($0.element.field, $0.offset) < ($1.element.field, $1.offset) }
            found.replaceSubrange(base..., with: sorted.map(\.element))
        }
    }

    private mutating func field(
        _ field: MessageJSON.Field, _ values: Range<Int>, _ reader: WireReader
    ) throws(MartletError) {
        if field.isMap { return try map(field, values, reader) }
        guard !field.isRepeated else { return try list(field, values, reader) }
        guard let last = values.last else { return writeZero(field.kind) }
        if case .message(let place) = field.kind, values.count > 1 {
            // A message that comes in parts is their sum.
            var whole: [UInt8] = []
            for index in values {
                if case .range(let range) = found[index].value { whole.append(contentsOf: reader.bytes[range]) }
            }
            return try message(place, WireReader(whole))
        }
        try write(field.kind, found[last].value, reader)
    }

    private mutating func list(
        _ field: MessageJSON.Field, _ values: Range<Int>, _ reader: WireReader
    ) throws(MartletError) {
        json.append(UInt8(ascii: "["))
        var isFirst = true
        for index in values {
            if field.isPacked, case .range(let range) = found[index].value {
                var elements = WireReader(reader.bytes, in: range)
                while elements.place < range.upperBound {
                    let number: UInt64 =
                        switch field.wireType {
                        case .fixed32: UInt64(try elements.fixed32())
                        case .fixed64: try elements.fixed64()
                        default: try elements.varint()
                        }
                    if !isFirst { json.append(UInt8(ascii: ",")) }
                    isFirst = false
                    write(field.kind, number)
                }
            } else {
                if !isFirst { json.append(UInt8(ascii: ",")) }
                isFirst = false
                try write(field.kind, found[index].value, reader)
            }
        }
        json.append(UInt8(ascii: "]"))
    }

    private mutating func map(
        _ field: MessageJSON.Field, _ values: Range<Int>, _ reader: WireReader
    ) throws(MartletError) {
        guard case .message(let place) = field.kind else { return }
        let entry = codec.tables[place]
        guard let key = entry.fields.first, let value = entry.fields.last else { return }
        // The last entry of a key is the one that counts.
        var keys: [[UInt8]] = []
        var entries: [[UInt8]: [UInt8]] = [:]
        let outer = json
        for index in values {
            guard case .range(let range) = found[index].value else { continue }
            let base = found.count
            let inner = WireReader(reader.bytes, in: range)
            try scan(entry, inner, base)
            let all = base..<found.count
            json = []
            let isText = key.kind == .string || Self.isQuoted(key.kind)
            if !isText { json.append(UInt8(ascii: "\"")) }
            try self.field(key, Self.of(0, all, found), inner)
            if !isText { json.append(UInt8(ascii: "\"")) }
            let name = json
            json = []
            if case .message(let place) = value.kind, Self.of(1, all, found).isEmpty {
                try message(place, WireReader([]))
            } else {
                try self.field(value, Self.of(1, all, found), inner)
            }
            if entries[name] == nil { keys.append(name) }
            entries[name] = json
            found.removeSubrange(base...)
        }
        json = outer
        json.append(UInt8(ascii: "{"))
        for (index, key) in keys.enumerated() {
            if index > 0 { json.append(UInt8(ascii: ",")) }
            json.append(contentsOf: key)
            json.append(UInt8(ascii: ":"))
            json.append(contentsOf: entries[key] ?? [])
        }
        json.append(UInt8(ascii: "}"))
    }

    private static func of(_ field: Int, _ all: Range<Int>, _ found: [Found]) -> Range<Int> {
        let start = all.first { found[$0].field >= field } ?? all.upperBound
        let end = all.first { found[$0].field > field } ?? all.upperBound
        return start..<max(start, end)
    }

    // MARK: Values

    private mutating func write(
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

    private static func isQuoted(_ kind: SchemaField.Kind) -> Bool {
        switch kind {
        case .int64, .sint64, .sfixed64, .uint64, .fixed64: true
        default: false
        }
    }

    private mutating func write(_ kind: SchemaField.Kind, _ number: UInt64) {
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

    private mutating func writeZero(_ kind: SchemaField.Kind) {
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
