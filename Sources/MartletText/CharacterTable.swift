internal import Synchronization

/// The three switches of a BertNormalizer that act on single characters, and the fourth that reorders them.
struct BertNormalization: Hashable, Sendable {
    var cleansText = true
    var separatesChinese = true
    var stripsAccents = true
    var lowercases = true
}

/// What the normalizer and the pre-tokenizer do with each scalar value, worked out once for one configuration.
///
/// Every step of both looks at one character at a time, apart from the order of combining marks, which
/// `WordScanner` sorts. So one look-up replaces cleaning, decomposing, stripping, lowering and splitting.
struct CharacterTable: Sendable {
    enum Kind: UInt8 {
        /// Part of a word, as it is.
        case word = 0
        /// Removed before anything else sees it.
        case removed = 1
        /// Ends a word.
        case space = 2
        /// A word of its own, as it is.
        case alone = 3
        /// Becomes other characters: `expansions[index]`.
        case expanded = 4
    }

    /// One scalar value of the outcome.
    struct Output: Sendable {
        let scalar: UInt32
        let kind: Kind
    }

    /// One character of the canonical decomposition and what is left of it.
    struct Part: Sendable {
        let combiningClass: UInt8
        /// Into `outputs`; empty when the character was stripped.
        let outputs: Range<Int32>
    }

    struct Expansion: Sendable {
        /// Into `parts`, never empty.
        let parts: Range<Int32>
        /// True for ideographs: a word of its own.
        let isAlone: Bool
    }

    private(set) var expansions: [Expansion] = []
    private(set) var parts: [Part] = []
    private(set) var outputs: [Output] = []
    /// Kind of each ASCII byte, `nonASCII` for all others.
    private(set) var kindOfByte = [UInt8](repeating: nonASCII, count: 256)
    /// Each byte as it stands in a normalised word; ASCII letters lowered when the configuration says so.
    private(set) var foldedByte = (0...255).map { UInt8($0) }

    /// For each block of 128 scalar values, where its cells start in `cells`. Equal blocks are kept once.
    private var blocks: [UInt32] = []
    /// Kind in the low three bits, index of the expansion above.
    private var cells: [UInt32] = []

    static let nonASCII: UInt8 = 0xFF

    /// The table for a configuration, made once: there are sixteen at most, and every version of a model asks for the
    /// same one while traffic waits for its load.
    static func shared(_ normalization: BertNormalization) -> CharacterTable {
        made.withLock { made in
            if let table = made[normalization] { return table }
            let table = CharacterTable(normalization)
            made[normalization] = table
            return table
        }
    }

    private static let made = Mutex<[BertNormalization: CharacterTable]>([:])

    init(_ normalization: BertNormalization) {
        var known: [[UInt32]: UInt32] = [:]
        let words = [UInt32](repeating: UInt32(Kind.word.rawValue), count: 128)
        for blockStart in stride(from: UInt32(0), to: 0x110000, by: 128) {
            // Planes 4 to 13 hold no character, nor does most of plane 14: two thirds of the work for nothing.
            let isUnassigned = (0x40000..<0xE0000).contains(blockStart) || (0xE1000..<0xF0000).contains(blockStart)
            let block = isUnassigned ? words : (blockStart..<blockStart + 128).map { cell($0, normalization) }
            if let start = known[block] {
                blocks.append(start)
            } else {
                let start = UInt32(cells.count)
                known[block] = start
                blocks.append(start)
                cells.append(contentsOf: block)
            }
        }
        for byte in 0..<128 {
            let (kind, expansion) = look(up: UInt32(byte))
            // Of ASCII only capital letters change, into another ASCII letter.
            if kind == .expanded, let output = singleOutput(of: expansion), output.scalar < 128 {
                foldedByte[byte] = UInt8(output.scalar)
                kindOfByte[byte] = output.kind.rawValue
            } else {
                kindOfByte[byte] = kind.rawValue
            }
        }
    }

    @inline(__always)
    func look(up scalar: UInt32) -> (kind: Kind, expansion: Int) {
        let cell = cells[Int(blocks[Int(scalar >> 7)] + scalar & 127)]
        return (Kind(rawValue: UInt8(truncatingIfNeeded: cell & 7)) ?? .word, Int(cell >> 3))
    }

    private func singleOutput(of expansion: Int) -> Output? {
        let range = expansions[expansion].parts
        guard range.count == 1 else { return nil }
        let part = parts[Int(range.lowerBound)]
        guard part.outputs.count == 1 else { return nil }
        return outputs[Int(part.outputs.lowerBound)]
    }

    private mutating func cell(_ scalar: UInt32, _ normalization: BertNormalization) -> UInt32 {
        if (0xD800...0xDFFF).contains(scalar) { return UInt32(Kind.removed.rawValue) }
        if normalization.cleansText, HFUnicode.isRemovedByCleaning(scalar) { return UInt32(Kind.removed.rawValue) }
        if HFUnicode.isWhitespace(scalar) { return UInt32(Kind.space.rawValue) }
        let isAlone = normalization.separatesChinese && HFUnicode.isChinese(scalar)
        guard HFUnicode.mayChange(scalar) else { return UInt32((isAlone ? Kind.alone : kind(scalar)).rawValue) }

        let decomposed = normalization.stripsAccents ? HFUnicode.decomposition(scalar) : [scalar]
        var newParts: [(combiningClass: UInt8, outputs: [Output])] = []
        for part in decomposed {
            let combiningClass = normalization.stripsAccents ? HFUnicode.combiningClass(part) : 0
            var scalars = [part]
            if normalization.stripsAccents, HFUnicode.isNonspacingMark(part) {
                scalars = []
            } else if normalization.lowercases {
                scalars = HFUnicode.lowercase(part)
            }
            newParts.append((combiningClass, scalars.map { Output(scalar: $0, kind: kind($0)) }))
        }
        if newParts.count == 1, newParts[0].combiningClass == 0, newParts[0].outputs.count == 1,
            newParts[0].outputs[0].scalar == scalar
        {
            return UInt32((isAlone ? Kind.alone : newParts[0].outputs[0].kind).rawValue)
        }
        return store(newParts, isAlone: isAlone)
    }

    private mutating func store(_ newParts: [(combiningClass: UInt8, outputs: [Output])], isAlone: Bool) -> UInt32 {
        let firstPart = Int32(parts.count)
        for part in newParts {
            let firstOutput = Int32(outputs.count)
            outputs.append(contentsOf: part.outputs)
            parts.append(Part(combiningClass: part.combiningClass, outputs: firstOutput..<Int32(outputs.count)))
        }
        expansions.append(Expansion(parts: firstPart..<Int32(parts.count), isAlone: isAlone))
        return UInt32(Kind.expanded.rawValue) | UInt32(expansions.count - 1) << 3
    }

    private func kind(_ scalar: UInt32) -> Kind {
        if HFUnicode.isWhitespace(scalar) { return .space }
        return HFUnicode.isPunctuation(scalar) ? .alone : .word
    }
}
