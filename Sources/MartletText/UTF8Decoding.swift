/// One step of strict UTF-8 decoding (Unicode 15, table 3-7): no overlong forms, no surrogates, nothing past U+10FFFF.
enum UTF8Step {
    case scalar(UInt32, length: Int)
    /// The bytes end inside a character that may still become valid.
    case incomplete
    case invalid

    /// Decodes the character that starts at `bytes[place]`; `place` must be below `end`.
    @inline(__always)
    static func decode(_ bytes: UnsafeBufferPointer<UInt8>, at place: Int, end: Int) -> UTF8Step {
        let lead = bytes[place]
        if lead < 0x80 { return .scalar(UInt32(lead), length: 1) }
        let length: Int
        var second: ClosedRange<UInt8> = 0x80...0xBF
        switch lead {
        case 0xC2...0xDF: length = 2
        case 0xE0: (length, second) = (3, 0xA0...0xBF)
        case 0xED: (length, second) = (3, 0x80...0x9F)
        case 0xE1...0xEF: length = 3
        case 0xF0: (length, second) = (4, 0x90...0xBF)
        case 0xF4: (length, second) = (4, 0x80...0x8F)
        case 0xF1...0xF3: length = 4
        default: return .invalid
        }
        var scalar = UInt32(lead) & (0x7F >> UInt32(length))
        var offset = 1
        while offset < length {
            guard place + offset < end else { return .incomplete }
            let byte = bytes[place + offset]
            guard offset == 1 ? second.contains(byte) : (0x80...0xBF).contains(byte) else { return .invalid }
            scalar = scalar << 6 | UInt32(byte & 0x3F)
            offset += 1
        }
        return .scalar(scalar, length: length)
    }
}
