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

    enum Value {
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
}
