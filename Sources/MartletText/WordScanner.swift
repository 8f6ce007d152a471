internal import MartletCore

/// Tokens as they are found.
struct TokenList {
    var ids: [Int32] = []
    /// Parallel to `ids`; stays empty unless `keepsSpans`.
    var spans: [TextSpan] = []
    let keepsSpans: Bool

    @inline(__always)
    mutating func append(_ id: Int32, _ span: @autoclosure () -> TextSpan) {
        ids.append(id)
        if keepsSpans { spans.append(span()) }
    }

    /// Forgets the tokens from `count` on.
    mutating func removeTokens(from count: Int) {
        ids.removeSubrange(count...)
        if keepsSpans { spans.removeSubrange(count...) }
    }
}

/// Reads UTF-8 and finds words and their pieces: cleaning, decomposing, stripping, lowering, splitting and WordPiece in
/// one pass, with what it knows between two calls bounded by one word.
///
/// A text read in one call and the same text read in any pieces give the same tokens, for both go through here.
struct WordScanner {
    private let rules: TokenRules
    /// Bytes and scalar values that earlier calls consumed.
    private(set) var bytesConsumed = 0
    private(set) var charactersConsumed = 0
    private var word: WordBuffer
    private var marks = MarkRun()

    init(_ rules: TokenRules) {
        self.rules = rules
        word = WordBuffer(charactersMax: rules.wordCharactersMax)
    }

    /// Memory in bytes that lies behind this value.
    var stateBytes: Int { word.stateBytes + marks.stateBytes }

    /// The byte at which invalid UTF-8 starts, counted from the text's start.
    struct InvalidUTF8: Error {
        let byteOffset: Int
        /// True when the text ends inside a character.
        let isTruncated: Bool
    }

    /// Reads as much of `bytes` as can be decided and appends the tokens found.
    ///
    /// - Parameter isLast: true when nothing follows; then everything is consumed and the last word ends.
    /// - Returns: bytes consumed. The caller brings the rest again in front of what follows: at most the bytes of the
    ///   longest added token, or three bytes of an unfinished character.
    mutating func scan(
        _ bytes: UnsafeBufferPointer<UInt8>, isLast: Bool, into tokens: inout TokenList
    ) throws(InvalidUTF8) -> Int {
        let end = bytes.count
        let byteBase = bytesConsumed
        var place = 0
        // Characters of `bytes[..<place]` are `place - continuationBytes`.
        var continuationBytes = 0
        let characterBase = charactersConsumed
        defer {
            bytesConsumed = byteBase + place
            charactersConsumed = characterBase + place - continuationBytes
        }

        scanning: while place < end {
            let byte = bytes[place]
            if rules.startsAddedToken[Int(byte)] {
                let match = rules.addedTokens.longestMatch(
                    bytes, from: place, to: end, under: PieceTrie.root, fold: TokenRules.identity)
                if match.reachedEnd, !isLast { break scanning }
                if match.length > 0 {
                    endWord(into: &tokens)
                    let character = characterBase + place - continuationBytes
                    let characters = bytes[place..<place + match.length].reduce(0) { $0 + ($1 & 0xC0 != 0x80 ? 1 : 0) }
                    let start = byteBase + place
                    tokens.append(
                        match.id,
                        TextSpan(
                            byteStart: start, byteEnd: start + match.length, characterStart: character,
                            characterEnd: character + characters))
                    place += match.length
                    continuationBytes += match.length - characters
                    continue scanning
                }
            }

            switch rules.characters.kindOfByte[Int(byte)] {
            case CharacterTable.Kind.word.rawValue:
                var runEnd = place + 1
                while runEnd < end, rules.continuesRun[Int(bytes[runEnd])] { runEnd += 1 }
                if !marks.isEmpty { endMarks() }
                let character = characterBase + place - continuationBytes
                if word.isEmpty, runEnd < end ? rules.endsRun[Int(bytes[runEnd])] : isLast {
                    rules.appendPieces(
                        ofASCII: bytes, from: place, to: runEnd, byteStart: byteBase + place,
                        characterStart: character, into: &tokens)
                } else {
                    word.append(
                        ascii: bytes, from: place, to: runEnd, fold: rules.characters.foldedByte,
                        byteStart: byteBase + place, characterStart: character)
                }
                place = runEnd
            case CharacterTable.Kind.space.rawValue:
                endWord(into: &tokens)
                place += 1
            case CharacterTable.Kind.alone.rawValue:
                endWord(into: &tokens)
                let start = byteBase + place
                let character = characterBase + place - continuationBytes
                tokens.append(
                    rules.idOfASCII[Int(rules.characters.foldedByte[Int(byte)])],
                    TextSpan(
                        byteStart: start, byteEnd: start + 1, characterStart: character, characterEnd: character + 1))
                place += 1
            case CharacterTable.Kind.removed.rawValue:
                place += 1
            default:
                switch UTF8Step.decode(bytes, at: place, end: end) {
                case .scalar(let scalar, let length):
                    let start = byteBase + place
                    let source = SourceCharacter(
                        byteStart: start, byteEnd: start + length,
                        character: characterBase + place - continuationBytes)
                    take(scalar, source, bytes, place, length, into: &tokens)
                    place += length
                    continuationBytes += length - 1
                case .incomplete:
                    if isLast { throw InvalidUTF8(byteOffset: byteBase + place, isTruncated: true) }
                    break scanning
                case .invalid:
                    throw InvalidUTF8(byteOffset: byteBase + place, isTruncated: false)
                }
            }
        }
        if isLast { endWord(into: &tokens) }
        return place
    }

    /// Takes one character that is not ASCII.
    private mutating func take(
        _ scalar: UInt32, _ source: SourceCharacter, _ bytes: UnsafeBufferPointer<UInt8>, _ place: Int, _ length: Int,
        into tokens: inout TokenList
    ) {
        let (kind, index) = rules.characters.look(up: scalar)
        switch kind {
        case .word:
            if !marks.isEmpty { endMarks() }
            word.append(bytes, from: place, count: length, source)
        case .removed:
            break
        case .space:
            endWord(into: &tokens)
        case .alone:
            endWord(into: &tokens)
            word.append(bytes, from: place, count: length, source)
            endWord(into: &tokens)
        case .expanded:
            expand(rules.characters.expansions[index], source, into: &tokens)
        }
    }

    private mutating func expand(
        _ expansion: CharacterTable.Expansion, _ source: SourceCharacter, into tokens: inout TokenList
    ) {
        if expansion.isAlone { endWord(into: &tokens) }
        var isFirst = true
        for partIndex in expansion.parts {
            let part = rules.characters.parts[Int(partIndex)]
            if part.combiningClass == 0 {
                if !marks.isEmpty { endMarks() }
                for outputIndex in part.outputs {
                    append(rules.characters.outputs[Int(outputIndex)], source, into: &tokens)
                }
                marks.follow(source)
            } else {
                if marks.isFull { endMarks() }
                marks.append(
                    MarkRun.Mark(
                        combiningClass: part.combiningClass, outputs: part.outputs, isFirst: isFirst, source: source))
            }
            isFirst = false
        }
        if expansion.isAlone { endWord(into: &tokens) }
    }

    private mutating func append(
        _ output: CharacterTable.Output, _ source: SourceCharacter, into tokens: inout TokenList
    ) {
        switch output.kind {
        case .space:
            endPieces(into: &tokens)
        case .alone:
            endPieces(into: &tokens)
            word.append(scalar: output.scalar, source)
            endPieces(into: &tokens)
        default:
            word.append(scalar: output.scalar, source)
        }
    }

    /// Puts the marks behind a starter into canonical order and appends those that stripping left.
    private mutating func endMarks() {
        for (outputs, source) in marks.take() {
            for index in outputs {
                word.append(scalar: rules.characters.outputs[Int(index)].scalar, source)
            }
        }
    }

    private mutating func endWord(into tokens: inout TokenList) {
        if !marks.isEmpty { endMarks() }
        if !word.isEmpty { endPieces(into: &tokens) }
    }

    private mutating func endPieces(into tokens: inout TokenList) {
        guard !word.isEmpty else { return }
        rules.appendPieces(of: word, into: &tokens)
        word.removeAll()
    }
}
