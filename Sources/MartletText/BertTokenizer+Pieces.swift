package import MartletCore

/// From ids back to text.
extension BertTokenizer {
    /// The token as it stands in the vocabulary, such as `##ing`; nil for an id that there is not.
    package func piece(of id: Int32) -> String? { pieces[id].map { String(decoding: $0, as: UTF8.self) } }

    /// At most the bytes of the text that `ids` stand for, before it is made; nil when an id is outside the vocabulary.
    package func textBytesMax(of ids: [Int32]) -> Int? {
        var bytes = 0
        for id in ids {
            guard let piece = pieces[id] else { return nil }
            bytes += piece.count + 1
        }
        return bytes
    }

    /// The text that `ids` stand for, as `tokenizers` decodes it. Ids outside the vocabulary stand for nothing.
    /// - Parameter skipSpecialTokens: leaves out `[CLS]`, `[SEP]` and whatever else the file calls special.
    /// - Throws: `.unimplemented` for a file with a decoder that is none of WordPiece.
    package func text(of ids: [Int32], skipSpecialTokens: Bool) throws(MartletError) -> String {
        let kept = ids.lazy.filter { !skipSpecialTokens || !self.specialIDs.contains($0) }.compactMap { self.pieces[$0] }
        switch decoder {
        case .wordPiece(let prefix, let cleansUp):
            let text = PieceDecoder.text(ofWordPieces: kept, prefix: prefix, cleansUp: cleansUp)
            return String(decoding: text, as: UTF8.self)
        case .blanks:
            return String(decoding: Array(kept.joined(separator: CollectionOfOne(UInt8(ascii: " ")))), as: UTF8.self)
        case .unknown(let kind):
            throw MartletError(
                .unimplemented,
                "tokenizer.json's decoder is \"\(kind)\"; this version of Martlet turns tokens into text by WordPiece only")
        }
    }
}
