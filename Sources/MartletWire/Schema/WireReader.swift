package import MartletCore

/// Reads the fields of one protobuf message from front to back. Every length is checked against what is there.
package struct WireReader: Sendable {
    package let bytes: [UInt8]
    /// Where the next key begins, an offset into `bytes`.
    package private(set) var place: Int
    private let end: Int

    package struct Key: Sendable, Hashable {
        package let number: Int
        package let type: WireType

        package init(number: Int, type: WireType) {
            self.number = number
            self.type = type
        }
    }

    package init(_ bytes: [UInt8]) { self.init(bytes, in: 0..<bytes.count) }

    /// - Parameter range: within `bytes`.
    package init(_ bytes: [UInt8], in range: Range<Int>) {
        precondition(range.lowerBound >= 0 && range.upperBound <= bytes.count, "a message lies within its bytes")
        self.bytes = bytes
        place = range.lowerBound
        end = range.upperBound
    }

    /// The next field's key; nil at the end.
    package mutating func next() throws(MartletError) -> Key? {
        guard place < end else { return nil }
        let key = try varint()
        let number = key >> 3
        guard let type = WireType(rawValue: UInt8(key & 7)), (1...536_870_911).contains(number) else {
            throw broken("has a key that no field can have")
        }
        return Key(number: Int(number), type: type)
    }

    package mutating func varint() throws(MartletError) -> UInt64 {
        var value: UInt64 = 0
        var shift: UInt64 = 0
        while place < end, shift < 64 {
            let byte = bytes[place]
            place += 1
            value |= UInt64(byte & 0x7F) << shift
            if byte < 0x80 { return value }
            shift += 7
        }
        throw broken(shift < 64 ? "ends inside a number" : "has a number of more than ten bytes")
    }

    package mutating func fixed32() throws(MartletError) -> UInt32 {
        guard end - place >= 4 else { throw broken("ends inside a number") }
        defer { place += 4 }
        return (0..<4).reduce(0) { $0 | UInt32(bytes[place + $1]) << UInt32(8 * $1) }
    }

    package mutating func fixed64() throws(MartletError) -> UInt64 {
        guard end - place >= 8 else { throw broken("ends inside a number") }
        defer { place += 8 }
        return (0..<8).reduce(0) { $0 | UInt64(bytes[place + $1]) << UInt64(8 * $1) }
    }

    /// Where the value of a length-delimited field stands in `bytes`; it is passed over.
    package mutating func delimited() throws(MartletError) -> Range<Int> {
        let length = try varint()
        guard length <= UInt64(end - place) else { throw broken("is shorter than a length it states") }
        defer { place += Int(length) }
        return place..<(place + Int(length))
    }

    package mutating func text() throws(MartletError) -> String {
        guard let text = String(validating: bytes[try delimited()], as: UTF8.self) else {
            throw broken("has text that is not UTF-8")
        }
        return text
    }

    /// Passes over a value whose key was read.
    package mutating func skip(_ type: WireType) throws(MartletError) {
        switch type {
        case .varint: _ = try varint()
        case .fixed64: _ = try fixed64()
        case .lengthDelimited: _ = try delimited()
        case .fixed32: _ = try fixed32()
        }
    }

    /// Whether field `number` comes from here on.
    /// - Throws: `.invalidArgument` for bytes before it that are no fields.
    package func has(_ number: Int) throws(MartletError) -> Bool {
        var rest = self
        while let key = try rest.next() {
            if key.number == number { return true }
            try rest.skip(key.type)
        }
        return false
    }

    package func broken(_ what: String) -> MartletError {
        MartletError(.invalidArgument, "the message \(what), at byte \(place)")
    }
}
