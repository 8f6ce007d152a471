package import MartletCore

/// Tokens with their texts, and from ids back to text.
extension BertTokenizer {
    /// The token as it stands in the vocabulary, such as `##ing`; nil for an id that there is not.
    package func piece(of id: Int32) -> String? { pieces[id].map { String(decoding: $0, as: UTF8.self) } }

    /// The tokens of a text or of a pair, whole.
    ///
    /// Special are the tokens put around a text. One that is written out in a text has a place in it, and is a token
    /// like the others, as `tokenizers` marks it too.
    package func tokens(of input: TextInput, addSpecialTokens: Bool) -> [Token] {
        let encoding = encode(input)
        // [CLS] first, and a [SEP] behind each text.
        var special: Set<Int> = [0, encoding.ids.count - 1]
        if let second = encoding.typeIDs.firstIndex(of: 1) { special.insert(second - 1) }
        var tokens: [Token] = []
        tokens.reserveCapacity(encoding.ids.count)
        for place in encoding.ids.indices {
            let isSpecial = special.contains(place)
            guard addSpecialTokens || !isSpecial else { continue }
            tokens.append(
                Token(
                    id: encoding.ids[place], text: piece(of: encoding.ids[place]) ?? "", isSpecial: isSpecial,
                    typeID: encoding.typeIDs[place], span: isSpecial ? nil : encoding.spans[place]))
        }
        return tokens
    }

    /// At most the bytes of the text that `ids` stand for, before it is made.
    package func textBytesMax(of ids: [Int32]) -> Int {
        ids.reduce(0) { $0 + 1 + (pieces[$1]?.count ?? 0) }
    }

    /// The text that `ids` stand for, as `tokenizers` decodes it. Ids outside the vocabulary stand for nothing.
    /// - Parameter skipSpecialTokens: leaves out `[CLS]`, `[SEP]` and whatever else the file calls special.
    /// - Throws: `.failedPrecondition` for a file with a decoder that is none of WordPiece.
    package func text(of ids: [Int32], skipSpecialTokens: Bool) throws(MartletError) -> String {
        let kept = ids.lazy.filter { !skipSpecialTokens || !self.specialIDs.contains($0) }
            .compactMap { self.pieces[$0] }
        switch decoder {
        case .wordPiece(let prefix, let cleansUp):
            let text = PieceDecoder.text(ofWordPieces: kept, prefix: prefix, cleansUp: cleansUp)
            return String(decoding: text, as: UTF8.self)
        case .blanks:
            return String(decoding: Array(kept.joined(separator: CollectionOfOne(UInt8(ascii: " ")))), as: UTF8.self)
        case .unknown(let kind):
            throw MartletError(
                .failedPrecondition,
                "tokenizer.json's decoder is \"\(kind)\"; this version of Martlet turns tokens into text by WordPiece "
                    + "only")
        }
    }
}
