/// Reads one JSON text from front to back without building a tree.
///
/// Strings come as bytes: Swift compares `String` by canonical equivalence, under which two different pieces of a
/// vocabulary can be equal.
package struct JSONCursor {
    private let bytes: [UInt8]
    /// What is read, for messages: `tokenizer.json`, or `the body`.
    private let source: String
    package private(set) var place = 0
    private var depth = 0

    /// Nesting that is still read.
    package static let depthMax = 64

    /// - Throws: `.invalidArgument` when the bytes are not UTF-8.
    package init(_ bytes: [UInt8], source: String) throws(MartletError) {
        self.bytes = bytes
        self.source = source
        guard Self.isUTF8(bytes) else { throw MartletError(.invalidArgument, "\(source) is not UTF-8") }
        // A byte order mark is allowed in front.
        if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { place = 3 }
    }

    package enum Kind { case object, array, string, number, bool, null }

    /// The kind of the next value, which is not consumed.
    package mutating func kind() throws(MartletError) -> Kind {
        skipSpace()
        guard place < bytes.count else { throw broken("ends early") }
        switch bytes[place] {
        case UInt8(ascii: "{"): return .object
        case UInt8(ascii: "["): return .array
        case UInt8(ascii: "\""): return .string
        case UInt8(ascii: "t"), UInt8(ascii: "f"): return .bool
        case UInt8(ascii: "n"): return .null
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return .number
        default: throw broken("has an unexpected character")
        }
    }

    /// Calls `member` with each key; `member` must consume the value.
    package mutating func object(_ member: (inout JSONCursor, [UInt8]) throws(MartletError) -> Void)
        throws(MartletError)
    {
        try enter(UInt8(ascii: "{"))
        if take(UInt8(ascii: "}")) { return leave() }
        repeat {
            let key = try string()
            try expect(UInt8(ascii: ":"))
            try member(&self, key)
        } while take(UInt8(ascii: ","))
        try expect(UInt8(ascii: "}"))
        leave()
    }

    /// Calls `element` for each element, which it must consume.
    package mutating func array(_ element: (inout JSONCursor) throws(MartletError) -> Void) throws(MartletError) {
        try enter(UInt8(ascii: "["))
        if take(UInt8(ascii: "]")) { return leave() }
        repeat { try element(&self) } while take(UInt8(ascii: ","))
        try expect(UInt8(ascii: "]"))
        leave()
    }

    package mutating func string() throws(MartletError) -> [UInt8] {
        try expect(UInt8(ascii: "\""))
        // Most strings have no escape, and most of the others begin without one.
        let start = place
        while place < bytes.count, Self.isPlain(bytes[place]) { place += 1 }
        var text = Array(bytes[start..<place])
        while place < bytes.count {
            let byte = bytes[place]
            place += 1
            switch byte {
            case UInt8(ascii: "\""):
                return text
            case UInt8(ascii: "\\"): try escape(into: &text)
            case 0..<0x20: throw broken("has a control character in a string")
            default: text.append(byte)
            }
        }
        throw broken("ends inside a string")
    }

    private static func isPlain(_ byte: UInt8) -> Bool {
        byte >= 0x20 && byte != UInt8(ascii: "\"") && byte != UInt8(ascii: "\\")
    }

    package mutating func bool() throws(MartletError) -> Bool {
        if takeWord("true") { return true }
        if takeWord("false") { return false }
        throw broken("has no true or false where one belongs")
    }

    package mutating func null() throws(MartletError) {
        guard takeWord("null") else { throw broken("has no null where one belongs") }
    }

    /// An integer, nil when the number has another form or does not fit.
    package mutating func integer() throws(MartletError) -> Int? {
        // The standard library's own reading: digits with an optional sign.
        Int(try number())
    }

    /// A number as it was written.
    package mutating func number() throws(MartletError) -> String {
        guard try kind() == .number else { throw broken("has no number where one belongs") }
        let start = place
        if bytes[place] == UInt8(ascii: "-") { place += 1 }
        let whole = digits()
        guard whole == 1 || (whole > 1 && bytes[place - whole] != UInt8(ascii: "0")) else {
            throw broken("has a malformed number")
        }
        if place < bytes.count, bytes[place] == UInt8(ascii: ".") {
            place += 1
            guard digits() > 0 else { throw broken("has a malformed number") }
        }
        if place < bytes.count, bytes[place] == UInt8(ascii: "e") || bytes[place] == UInt8(ascii: "E") {
            place += 1
            if place < bytes.count, bytes[place] == UInt8(ascii: "+") || bytes[place] == UInt8(ascii: "-") {
                place += 1
            }
            guard digits() > 0 else { throw broken("has a malformed number") }
        }
        return String(decoding: bytes[start..<place], as: UTF8.self)
    }

    /// Skips decimal digits and counts them.
    private mutating func digits() -> Int {
        let start = place
        while place < bytes.count, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(bytes[place]) { place += 1 }
        return place - start
    }

    /// Consumes the next value, whatever it is.
    package mutating func skip() throws(MartletError) {
        switch try kind() {
        case .object: try object { (cursor, _) throws(MartletError) in try cursor.skip() }
        case .array: try array { (cursor) throws(MartletError) in try cursor.skip() }
        case .string: _ = try string()
        case .number: _ = try number()
        case .bool: _ = try bool()
        case .null: try null()
        }
    }

    /// Nothing but white space may follow.
    package mutating func end() throws(MartletError) {
        skipSpace()
        guard place == bytes.count else { throw broken("goes on after its end") }
    }

    package func broken(_ what: String) -> MartletError {
        MartletError(.invalidArgument, "\(source) is not valid JSON: it \(what), at byte \(place)")
    }

    private mutating func escape(into text: inout [UInt8]) throws(MartletError) {
        guard place < bytes.count else { throw broken("ends inside a string") }
        let byte = bytes[place]
        place += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): text.append(byte)
        case UInt8(ascii: "b"): text.append(0x08)
        case UInt8(ascii: "f"): text.append(0x0C)
        case UInt8(ascii: "n"): text.append(0x0A)
        case UInt8(ascii: "r"): text.append(0x0D)
        case UInt8(ascii: "t"): text.append(0x09)
        case UInt8(ascii: "u"):
            var code = try hexadecimal()
            if (0xD800..<0xDC00).contains(code), place + 1 < bytes.count, bytes[place] == UInt8(ascii: "\\"),
                bytes[place + 1] == UInt8(ascii: "u")
            {
                place += 2
                let low = try hexadecimal()
                guard (0xDC00..<0xE000).contains(low) else { throw broken("has half a surrogate pair") }
                code = 0x10000 + (code - 0xD800) << 10 + (low - 0xDC00)
            }
            guard let scalar = Unicode.Scalar(code), let encoded = UTF8.encode(scalar) else {
                throw broken("has half a surrogate pair")
            }
            text.append(contentsOf: encoded)
        default: throw broken("has an unknown escape in a string")
        }
    }

    private mutating func hexadecimal() throws(MartletError) -> UInt32 {
        var code: UInt32 = 0
        for _ in 0..<4 {
            guard place < bytes.count, let digit = Character(Unicode.Scalar(bytes[place])).hexDigitValue,
                bytes[place] < 0x80
            else { throw broken("has a broken \\u escape") }
            code = code << 4 | UInt32(digit)
            place += 1
        }
        return code
    }

    private mutating func enter(_ bracket: UInt8) throws(MartletError) {
        try expect(bracket)
        depth += 1
        guard depth <= Self.depthMax else { throw broken("is nested deeper than \(Self.depthMax) levels") }
    }

    private mutating func leave() { depth -= 1 }

    private mutating func expect(_ byte: UInt8) throws(MartletError) {
        guard take(byte) else {
            let wanted = Character(Unicode.Scalar(byte))
            throw broken(place < bytes.count ? "lacks a '\(wanted)'" : "ends early")
        }
    }

    private mutating func take(_ byte: UInt8) -> Bool {
        skipSpace()
        guard place < bytes.count, bytes[place] == byte else { return false }
        place += 1
        return true
    }

    private mutating func takeWord(_ word: StaticString) -> Bool {
        skipSpace()
        guard word.withUTF8Buffer({ bytes[place...].starts(with: $0) }) else { return false }
        place += word.utf8CodeUnitCount
        return true
    }

    private mutating func skipSpace() {
        while place < bytes.count {
            switch bytes[place] {
            case 0x20, 0x09, 0x0A, 0x0D: place += 1
            default: return
            }
        }
    }

    private static func isUTF8(_ bytes: [UInt8]) -> Bool {
        if #available(macOS 26.0, *) { return (try? UTF8Span(validating: bytes.span)) != nil }
        return String(validating: bytes, as: UTF8.self) != nil
    }
}
