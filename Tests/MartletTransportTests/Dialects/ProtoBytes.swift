/// Writes protobuf messages field by field, so that a test sees the bytes a client would send.
struct ProtoBytes: ExpressibleByArrayLiteral {
    enum Field {
        case text(Int, String)
        case bytes(Int, [UInt8])
        case varint(Int, UInt64)
        case message(Int, ProtoBytes)
        /// A packed list of varints.
        case packed(Int, [Int64])
    }

    private(set) var bytes: [UInt8] = []

    init(arrayLiteral fields: Field...) { self.init(fields) }

    init(_ fields: [Field]) {
        for field in fields {
            switch field {
            case .text(let number, let text): delimited(number, Array(text.utf8))
            case .bytes(let number, let value): delimited(number, value)
            case .message(let number, let message): delimited(number, message.bytes)
            case .varint(let number, let value):
                varint(UInt64(number) << 3)
                varint(value)
            case .packed(let number, let values):
                var list = ProtoBytes([])
                for value in values { list.varint(UInt64(bitPattern: value)) }
                delimited(number, list.bytes)
            }
        }
    }

    private mutating func delimited(_ number: Int, _ value: [UInt8]) {
        varint(UInt64(number) << 3 | 2)
        varint(UInt64(value.count))
        bytes += value
    }

    private mutating func varint(_ value: UInt64) {
        var value = value
        while value >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: value) | 0x80)
            value >>= 7
        }
        bytes.append(UInt8(value))
    }
}

/// Reads what a server sent: the values of each field, in order.
struct ProtoFields {
    private var fields: [(number: Int, value: Value)] = []

    private enum Value {
        case varint(UInt64)
        case bytes([UInt8])
        case fixed32(UInt32)
    }

    init(_ bytes: [UInt8]) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let key = Self.varint(&rest)
            let number = Int(key >> 3)
            switch key & 7 {
            case 0: fields.append((number, .varint(Self.varint(&rest))))
            case 2:
                let count = Int(Self.varint(&rest))
                fields.append((number, .bytes(Array(rest.prefix(count)))))
                rest = rest.dropFirst(count)
            case 5:
                fields.append((number, .fixed32(Self.word(rest.prefix(4)))))
                rest = rest.dropFirst(4)
            default: return
            }
        }
    }

    func bytes(_ number: Int) -> [[UInt8]] {
        fields.compactMap { if $0.number == number, case .bytes(let value) = $0.value { value } else { nil } }
    }

    func texts(_ number: Int) -> [String] { bytes(number).map { String(decoding: $0, as: UTF8.self) } }
    func text(_ number: Int) -> String { texts(number).first ?? "" }
    func messages(_ number: Int) -> [ProtoFields] { bytes(number).map(ProtoFields.init) }
    func message(_ number: Int) -> ProtoFields { messages(number).first ?? ProtoFields([]) }

    /// 0 where the field is not there.
    func number(_ number: Int) -> UInt64 {
        for field in fields where field.number == number {
            if case .varint(let value) = field.value { return value }
        }
        return 0
    }

    /// A packed list of varints.
    func numbers(_ number: Int) -> [Int64] {
        bytes(number).flatMap { bytes -> [Int64] in
            var rest = bytes[...]
            var values: [Int64] = []
            while !rest.isEmpty { values.append(Int64(bitPattern: Self.varint(&rest))) }
            return values
        }
    }

    /// A float, or a packed list of them.
    func floats(_ number: Int) -> [Float] {
        fields.filter { $0.number == number }.flatMap { field -> [Float] in
            switch field.value {
            case .fixed32(let bits): return [Float(bitPattern: bits)]
            case .bytes(let bytes): return Self.floats(bytes)
            case .varint: return []
            }
        }
    }

    static func floats(_ bytes: [UInt8]) -> [Float] {
        stride(from: 0, to: bytes.count - bytes.count % 4, by: 4).map {
            Float(bitPattern: word(bytes[$0..<$0 + 4]))
        }
    }

    /// The elements of a raw BYTES tensor.
    static func elements(_ bytes: [UInt8]) -> [String] {
        var rest = bytes[...]
        var texts: [String] = []
        while rest.count >= 4 {
            let count = Int(word(rest.prefix(4)))
            texts.append(String(decoding: rest.dropFirst(4).prefix(count), as: UTF8.self))
            rest = rest.dropFirst(4 + count)
        }
        return texts
    }

    private static func word(_ bytes: some BidirectionalCollection<UInt8>) -> UInt32 {
        bytes.reversed().reduce(0) { $0 << 8 | UInt32($1) }
    }

    private static func varint(_ rest: inout ArraySlice<UInt8>) -> UInt64 {
        var value: UInt64 = 0
        var shift: UInt64 = 0
        while let byte = rest.popFirst() {
            value |= UInt64(byte & 0x7F) << shift
            if byte < 0x80 { break }
            shift += 7
        }
        return value
    }
}
