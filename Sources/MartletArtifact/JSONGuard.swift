package import MartletCore

/// One pass over JSON bytes before a decoder sees them: depth bombs and repeated keys are refused.
///
/// A decoder would take one of two equal keys without a word, so two readers could see two different documents. The
/// pass looks at brackets and strings only; everything else is the decoder's work.
package enum JSONGuard {
    /// Levels of nesting; our own files have five.
    package static let depthMax = 32

    private struct Level {
        var isObject: Bool
        var expectsKey: Bool
        var keys: Set<[UInt8]> = []
    }

    /// - Parameter file: the name for messages.
    /// - Throws: `.failedPrecondition` for nesting deeper than `depthMax`, a key that stands twice in one object, a key
    ///   with an escape (two spellings of one key could hide behind it), or a string without an end.
    package static func check(_ bytes: UnsafeRawBufferPointer, file: String) throws(MartletError) {
        var levels: [Level] = []
        var place = 0
        while place < bytes.count {
            switch bytes[place] {
            case UInt8(ascii: "{"), UInt8(ascii: "["):
                guard levels.count < depthMax else {
                    throw .refused(file, "nests deeper than \(depthMax) levels")
                }
                let isObject = bytes[place] == UInt8(ascii: "{")
                levels.append(Level(isObject: isObject, expectsKey: isObject))
            case UInt8(ascii: "}"), UInt8(ascii: "]"):
                guard levels.popLast() != nil else {
                    throw .refused(file, "is not JSON: it closes at byte \(place) what it never opened")
                }
            case UInt8(ascii: ","):
                if let last = levels.indices.last { levels[last].expectsKey = levels[last].isObject }
            case UInt8(ascii: "\""):
                let (end, escaped) = endOfString(bytes, from: place + 1)
                guard let end else { throw .refused(file, "is not JSON: the string at byte \(place) has no end") }
                if let last = levels.indices.last, levels[last].expectsKey {
                    levels[last].expectsKey = false
                    let key = Array(bytes[(place + 1)..<end])
                    let shown = quoted(String(decoding: key.prefix(200), as: UTF8.self))
                    guard !escaped else { throw .refused(file, "has the key \(shown) with an escape in it") }
                    guard levels[last].keys.insert(key).inserted else {
                        throw .refused(file, "has the key \(shown) twice in one object")
                    }
                }
                place = end
            default:
                break
            }
            place += 1
        }
    }

    /// The place of the closing quote, and whether a backslash came before it.
    private static func endOfString(_ bytes: UnsafeRawBufferPointer, from start: Int) -> (end: Int?, escaped: Bool) {
        var place = start
        var escaped = false
        while place < bytes.count {
            switch bytes[place] {
            case UInt8(ascii: "\""): return (place, escaped)
            case UInt8(ascii: "\\"):
                escaped = true
                place += 2
            default: place += 1
            }
        }
        return (nil, escaped)
    }
}
