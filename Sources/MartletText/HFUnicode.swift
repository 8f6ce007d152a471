internal import CUtf8proc

/// What one Unicode scalar value is to Hugging Face's `tokenizers` 0.23.3.
///
/// Its Rust crates carry tables of several Unicode versions, the system's utf8proc those of another. Both were asked
/// about every scalar value; where they differ, `HFUnicodeExceptions` holds the other's answer
/// (Tools/generate-unicode-exceptions writes it).
enum HFUnicode {
    /// True for what "clean text" removes: NUL, U+FFFD, control, format and private-use characters, apart from tab,
    /// line feed and carriage return.
    static func isRemovedByCleaning(_ scalar: UInt32) -> Bool {
        switch scalar {
        case 0x09, 0x0A, 0x0D: return false
        case 0, 0xFFFD: return true
        default: break
        }
        switch category(scalar) {
        case UTF8PROC_CATEGORY_CC, UTF8PROC_CATEGORY_CF, UTF8PROC_CATEGORY_CO:
            return !HFUnicodeExceptions.keptByCleaning.holds(scalar)
        default:
            return false
        }
    }

    /// Unicode's White_Space property.
    static func isWhitespace(_ scalar: UInt32) -> Bool {
        switch scalar {
        case 0x09...0x0D, 0x85: return true
        default: break
        }
        switch category(scalar) {
        case UTF8PROC_CATEGORY_ZS, UTF8PROC_CATEGORY_ZL, UTF8PROC_CATEGORY_ZP: return true
        default: return false
        }
    }

    /// ASCII punctuation and symbols, and every character of a P category.
    static func isPunctuation(_ scalar: UInt32) -> Bool {
        switch scalar {
        case 0x21...0x2F, 0x3A...0x40, 0x5B...0x60, 0x7B...0x7E: return true
        default: break
        }
        if HFUnicodeExceptions.punctuation.holds(scalar) { return true }
        switch category(scalar) {
        case UTF8PROC_CATEGORY_PC, UTF8PROC_CATEGORY_PD, UTF8PROC_CATEGORY_PS, UTF8PROC_CATEGORY_PE,
            UTF8PROC_CATEGORY_PI, UTF8PROC_CATEGORY_PF, UTF8PROC_CATEGORY_PO:
            return !HFUnicodeExceptions.notPunctuation.holds(scalar)
        default:
            return false
        }
    }

    /// BERT's blocks of ideographs. U+2B820 to U+2B91F are missing there too.
    static func isChinese(_ scalar: UInt32) -> Bool {
        switch scalar {
        case 0x3400...0x4DBF, 0x4E00...0x9FFF, 0xF900...0xFAFF, 0x20000...0x2A6DF, 0x2A700...0x2B81F,
            0x2B920...0x2CEAF, 0x2F800...0x2FA1F:
            return true
        default:
            return false
        }
    }

    /// Category Mn: what "strip accents" removes after decomposing.
    static func isNonspacingMark(_ scalar: UInt32) -> Bool {
        if HFUnicodeExceptions.nonspacingMark.holds(scalar) { return true }
        return category(scalar) == UTF8PROC_CATEGORY_MN && !HFUnicodeExceptions.notNonspacingMark.holds(scalar)
    }

    /// Canonical combining class; 0 for starters.
    static func combiningClass(_ scalar: UInt32) -> UInt8 {
        guard let property = property(scalar), property.pointee.combining_class != 0 else { return 0 }
        if HFUnicodeExceptions.starter.holds(scalar) { return 0 }
        return UInt8(clamping: property.pointee.combining_class)
    }

    /// False for most scalar values: those that decomposing, stripping and lowering leave as they are.
    static func mayChange(_ scalar: UInt32) -> Bool {
        guard let property = property(scalar) else { return true }
        return property.pointee.decomp_seqindex != UInt16.max || property.pointee.combining_class != 0
            || (0xAC00...0xD7A3).contains(scalar) || property.pointee.lowercase_seqindex != UInt16.max
            || HFUnicodeExceptions.lowercaseDelta(scalar) != nil || isNonspacingMark(scalar)
    }

    /// Full canonical decomposition, Hangul included, in the order the data gives it.
    static func decomposition(_ scalar: UInt32) -> [UInt32] {
        guard let property = property(scalar) else { return [scalar] }
        let isHangul = (0xAC00...0xD7A3).contains(scalar)
        guard isHangul || property.pointee.decomp_seqindex != UInt16.max else { return [scalar] }
        guard !HFUnicodeExceptions.undecomposed.holds(scalar) else { return [scalar] }
        var parts = [Int32](repeating: 0, count: 32)
        var boundary: Int32 = 0
        let options = UTF8PROC_DECOMPOSE
        let count = parts.withUnsafeMutableBufferPointer {
            utf8proc_decompose_char(Int32(bitPattern: scalar), $0.baseAddress, $0.count, options, &boundary)
        }
        guard count > 0, count <= parts.count else { return [scalar] }
        return parts[..<count].map { UInt32(bitPattern: $0) }
    }

    /// Full lower-case mapping without context, as Rust's `char::to_lowercase`.
    static func lowercase(_ scalar: UInt32) -> [UInt32] {
        if scalar == 0x130 { return [0x69, 0x307] }
        if let delta = HFUnicodeExceptions.lowercaseDelta(scalar) {
            return [UInt32(truncatingIfNeeded: Int(scalar) + delta)]
        }
        return [UInt32(bitPattern: utf8proc_tolower(Int32(bitPattern: scalar)))]
    }

    private static func category(_ scalar: UInt32) -> utf8proc_category_t {
        utf8proc_category(Int32(bitPattern: scalar))
    }

    private static func property(_ scalar: UInt32) -> UnsafePointer<utf8proc_property_t>? {
        utf8proc_get_property(Int32(bitPattern: scalar))
    }
}

/// Ascending, disjoint ranges of scalar values.
struct ScalarRanges: Sendable {
    let ranges: [ClosedRange<UInt32>]

    func holds(_ scalar: UInt32) -> Bool {
        guard let first = ranges.first, let last = ranges.last, first.lowerBound <= scalar,
            scalar <= last.upperBound
        else { return false }
        var low = 0
        var high = ranges.count
        while low < high {
            let middle = (low + high) / 2
            if ranges[middle].upperBound < scalar { low = middle + 1 } else { high = middle }
        }
        return low < ranges.count && ranges[low].contains(scalar)
    }
}
