internal import MartletCore

/// Pieces and their ids, checked: no piece twice, ids dense from 0.
struct Vocabulary {
    private(set) var pieces: [(piece: [UInt8], id: Int32)] = []
    private var piecesBytes = 0
    /// What the messages call the source, such as `tokenizer.json's model.vocab`.
    let source: String

    init(source: String) { self.source = source }

    mutating func add(_ piece: [UInt8], id: Int) throws(MartletError) {
        guard piece.count <= TokenizerLimits.pieceBytesMax else {
            throw MartletError(
                .invalidArgument,
                "\(source) has a token of \(piece.count) bytes; at most \(TokenizerLimits.pieceBytesMax) are allowed")
        }
        guard pieces.count < TokenizerLimits.piecesMax else {
            throw MartletError(
                .invalidArgument, "\(source) has more than \(TokenizerLimits.piecesMax) tokens, the most allowed")
        }
        guard id >= 0, id < TokenizerLimits.piecesMax else {
            throw MartletError(
                .invalidArgument,
                "\(source) has a token with id \(id); ids go from 0 to below \(TokenizerLimits.piecesMax)")
        }
        piecesBytes += piece.count
        guard piecesBytes < PieceTrie.nodesMax else {
            throw MartletError(
                .invalidArgument, "\(source) holds more than \(PieceTrie.nodesMax - 1) bytes of tokens")
        }
        pieces.append((piece, Int32(id)))
    }

    /// Checks the ids and builds the trie.
    func trie() throws(MartletError) -> PieceTrie {
        guard !pieces.isEmpty else { throw MartletError(.invalidArgument, "\(source) is empty") }
        var seen = [Bool](repeating: false, count: pieces.count)
        var trie = PieceTrie(expectedBytes: piecesBytes)
        for (piece, id) in pieces {
            guard Int(id) < seen.count else {
                throw MartletError(
                    .invalidArgument,
                    "\(source) has \(pieces.count) tokens but the id \(id); ids must go from 0 without gaps")
            }
            guard !seen[Int(id)] else {
                throw MartletError(.invalidArgument, "\(source) gives the id \(id) to two tokens")
            }
            seen[Int(id)] = true
            guard trie.insert(piece, id: id) else {
                throw MartletError(.invalidArgument, "\(source) has a token twice; the second has the id \(id)")
            }
        }
        return trie
    }

    /// Reads a vocab.txt: a token a line, its id the line's number from 0.
    init(lines bytes: [UInt8]) throws(MartletError) {
        self.init(source: "vocab.txt")
        guard String(validating: bytes, as: UTF8.self) != nil else {
            throw MartletError(.invalidArgument, "vocab.txt is not UTF-8")
        }
        var lines = bytes.split(separator: 0x0A, omittingEmptySubsequences: false)
        if let last = lines.last, last.isEmpty { lines.removeLast() }
        for line in lines {
            let piece = line.last == 0x0D ? line.dropLast() : line
            try add(Array(piece), id: pieces.count)
        }
    }
}

/// Bounds on what a tokenizer's files may hold. A published vocabulary is far below each.
enum TokenizerLimits {
    /// Bytes of tokenizer.json or vocab.txt.
    static let fileBytesMax = 64 << 20
    /// Tokens of a vocabulary, added tokens included. XLM-R has 250 002.
    static let piecesMax = 1 << 21
    /// UTF-8 bytes of one token. A word of 100 characters has at most 400.
    static let pieceBytesMax = 1_024
    /// Added tokens; those in the text are looked for at every character.
    static let addedTokensMax = 16_384
    /// `max_input_chars_per_word`; a word that long is kept while it is read.
    static let wordCharactersMax = 1_000
}
