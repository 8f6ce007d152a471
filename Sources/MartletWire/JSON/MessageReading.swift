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

    func wrong(_ what: String) -> MartletError { MartletError(.invalidArgument, "\(place) \(what)") }

    func mustBe(_ what: String) -> MartletError { wrong("must be \(what)") }

    func mustBeInteger(_ kind: SchemaField.Kind) -> MartletError {
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
