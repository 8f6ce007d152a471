internal import MartletCore

/// All that a tokenizer knows, ready for `WordScanner`: the character table, the vocabulary and the added tokens.
final class TokenRules: Sendable {
    let characters: CharacterTable
    let pieces: PieceTrie
    /// Where pieces that continue a word start in `pieces`; nil when the vocabulary has none.
    let continuation: UInt32?
    let unknownID: Int32
    let wordCharactersMax: Int
    let addedTokens: PieceTrie
    let addedBytesMax: Int

    /// True for bytes with which an added token starts.
    let startsAddedToken: [Bool]
    /// True for ASCII bytes inside a word that start no added token.
    let continuesRun: [Bool]
    /// True for ASCII bytes that end a word whatever follows.
    let endsRun: [Bool]
    /// The token of each ASCII byte as a word of its own.
    let idOfASCII: [Int32]

    static let identity = (0...255).map { UInt8($0) }

    init(
        characters: CharacterTable, pieces: PieceTrie, continuation: UInt32?, unknownID: Int32, wordCharactersMax: Int,
        addedTokens: [(content: [UInt8], id: Int32)]
    ) {
        self.characters = characters
        self.pieces = pieces
        self.continuation = continuation
        self.unknownID = unknownID
        self.wordCharactersMax = wordCharactersMax

        var added = PieceTrie()
        var starts = [Bool](repeating: false, count: 256)
        var longest = 0
        for (content, id) in addedTokens {
            guard let first = content.first, added.insert(content, id: id) else { continue }
            starts[Int(first)] = true
            longest = max(longest, content.count)
        }
        self.addedTokens = added
        addedBytesMax = longest
        startsAddedToken = starts
        continuesRun = (0..<256).map {
            characters.kindOfByte[$0] == CharacterTable.Kind.word.rawValue && !starts[$0]
        }
        endsRun = (0..<256).map {
            characters.kindOfByte[$0] == CharacterTable.Kind.space.rawValue
                || characters.kindOfByte[$0] == CharacterTable.Kind.alone.rawValue
        }
        idOfASCII = (0..<256).map {
            wordCharactersMax < 1 ? unknownID : pieces.id(of: CollectionOfOne(UInt8($0))) ?? unknownID
        }
    }

    /// WordPiece over one normalised word.
    func appendPieces(of word: borrowing WordBuffer, into tokens: inout TokenList) {
        let (first, last) = (word.first, word.last)
        let whole = TextSpan(
            byteStart: first.byteStart, byteEnd: last.byteEnd, characterStart: first.character,
            characterEnd: last.character + 1)
        guard !word.isTooLong else {
            tokens.append(unknownID, whole)
            return
        }
        let (sources, characterOfByte) = (word.sources, word.characterOfByte)
        word.bytes.withUnsafeBufferPointer { bytes in
            matchPieces(bytes, from: 0, to: bytes.count, into: &tokens) { start, end in
                let (first, last) = (sources[Int(characterOfByte[start])], sources[Int(characterOfByte[end - 1])])
                return TextSpan(
                    byteStart: first.byteStart, byteEnd: last.byteEnd, characterStart: first.character,
                    characterEnd: last.character + 1)
            } whole: {
                whole
            }
        }
    }

    /// WordPiece over a word of ASCII letters that stands in the text in one run.
    @inline(__always)
    func appendPieces(
        ofASCII bytes: UnsafeBufferPointer<UInt8>, from start: Int, to end: Int, byteStart: Int, characterStart: Int,
        into tokens: inout TokenList
    ) {
        let span = { (first: Int, last: Int) in
            TextSpan(
                byteStart: byteStart + first - start, byteEnd: byteStart + last - start,
                characterStart: characterStart + first - start, characterEnd: characterStart + last - start)
        }
        guard end - start <= wordCharactersMax else {
            tokens.append(unknownID, span(start, end))
            return
        }
        matchPieces(bytes, from: start, to: end, into: &tokens, span: span) { span(start, end) }
    }

    /// Greedy, longest piece first; a word with a part that no piece covers becomes one unknown token.
    @inline(__always)
    private func matchPieces(
        _ bytes: UnsafeBufferPointer<UInt8>, from start: Int, to end: Int, into tokens: inout TokenList,
        span: (Int, Int) -> TextSpan, whole: () -> TextSpan
    ) {
        let countBefore = tokens.ids.count
        var place = start
        var top = PieceTrie.root
        while place < end {
            let match = pieces.longestMatch(bytes, from: place, to: end, under: top, fold: characters.foldedByte)
            guard match.length > 0 else {
                tokens.removeTokens(from: countBefore)
                tokens.append(unknownID, whole())
                return
            }
            tokens.append(match.id, span(place, place + match.length))
            place += match.length
            guard place < end else { return }
            guard let continuation else {
                tokens.removeTokens(from: countBefore)
                tokens.append(unknownID, whole())
                return
            }
            top = continuation
        }
    }
}
