/// `decoder` of a tokenizer.json: how pieces become a text again.
enum PieceDecoder: Sendable, Equatable {
    /// Joins what continues a word, and takes blanks away before marks when it cleans up.
    case wordPiece(prefix: [UInt8], cleansUp: Bool)
    /// The file has none: pieces with blanks between them.
    case blanks
    /// A kind that this reader does not know.
    case unknown(String)
}

extension PieceDecoder {
    /// What the WordPiece decoder of Hugging Face `tokenizers` makes of a list of pieces. It cleans up piece by piece,
    /// so only a rule that fits into one piece and the blank before it can apply.
    static func text(
        ofWordPieces pieces: some Sequence<ArraySlice<UInt8>>, prefix: [UInt8], cleansUp: Bool
    ) -> [UInt8] {
        var text: [UInt8] = []
        var isFirst = true
        for piece in pieces {
            var part: [UInt8]
            if isFirst {
                part = Array(piece)
            } else if piece.starts(with: prefix) {
                part = Array(piece.dropFirst(prefix.count))
            } else {
                part = [UInt8(ascii: " ")] + piece
            }
            isFirst = false
            if cleansUp, part.contains(UInt8(ascii: " ")) {
                for rule in cleanup { part = replacing(rule.old, by: rule.new, in: part) }
            }
            text += part
        }
        return text
    }

    /// In the order in which `tokenizers` applies them.
    private static let cleanup: [(old: [UInt8], new: [UInt8])] = [
        (" .", "."), (" ?", "?"), (" !", "!"), (" ,", ","), (" ' ", "'"), (" n't", "n't"), (" 'm", "'m"),
        (" do not", " don't"), (" 's", "'s"), (" 've", "'ve"), (" 're", "'re"),
    ].map { (Array($0.utf8), Array($1.utf8)) }

    private static func replacing(_ old: [UInt8], by new: [UInt8], in text: [UInt8]) -> [UInt8] {
        var result: [UInt8] = []
        var place = 0
        while place < text.count {
            if text[place...].starts(with: old) {
                result += new
                place += old.count
            } else {
                result.append(text[place])
                place += 1
            }
        }
        return result
    }
}
