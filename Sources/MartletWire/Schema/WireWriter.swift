package import MartletCore

/// Writes protobuf wire bytes.
package struct WireWriter: Sendable {
    package private(set) var bytes: [UInt8] = []

    package init() {}

    package mutating func key(_ number: Int, _ type: WireType) { varint(UInt64(number) << 3 | UInt64(type.rawValue)) }

    package mutating func varint(_ value: UInt64) {
        var rest = value
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(truncatingIfNeeded: rest))
    }

    package mutating func fixed32(_ value: UInt32) {
        for shift in stride(from: 0, to: 32, by: 8) { bytes.append(UInt8(truncatingIfNeeded: value >> UInt32(shift))) }
    }

    package mutating func fixed64(_ value: UInt64) {
        for shift in stride(from: 0, to: 64, by: 8) { bytes.append(UInt8(truncatingIfNeeded: value >> UInt64(shift))) }
    }

    /// A length and as many bytes.
    package mutating func delimited(_ value: some Collection<UInt8>) {
        varint(UInt64(value.count))
        bytes.append(contentsOf: value)
    }

    /// A length and what `body` writes. The length moves in front afterwards, so nothing is measured before.
    package mutating func delimited(
        _ body: (inout WireWriter) throws(MartletError) -> Void
    ) throws(MartletError) {
        let start = bytes.count
        bytes.append(0)
        try body(&self)
        let length = bytes.count - start - 1
        guard length >= 0x80 else {
            bytes[start] = UInt8(length)
            return
        }
        var prefix = WireWriter()
        prefix.varint(UInt64(length))
        bytes.replaceSubrange(start...start, with: prefix.bytes)
    }

    /// A varint field; nothing for 0, which is what a missing field means.
    package mutating func field(_ number: Int, _ value: UInt64) {
        guard value != 0 else { return }
        key(number, .varint)
        varint(value)
    }

    /// A length-delimited field.
    package mutating func field(_ number: Int, _ value: some Collection<UInt8>) {
        key(number, .lengthDelimited)
        delimited(value)
    }
}
