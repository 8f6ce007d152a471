package import MartletCore

/// BERT's WordPiece tokenizer: the ids and the offsets that Hugging Face `tokenizers` 0.23.3 gives for the same file.
///
/// Immutable; any number of threads may use it. Time is linear in the text for any text.
package final class BertTokenizer: Sendable {
    package let clsID: Int32
    package let sepID: Int32
    package let unkID: Int32
    /// `[PAD]`, or 0 where the vocabulary has none. Martlet pads nothing.
    package let padID: Int32
    /// Ids are 0 to below this. A model needs at least as many rows of word embeddings.
    package let vocabularySize: Int
    let rules: TokenRules
    let pieces: PieceTable
    /// Tokens that the file calls special.
    let specialIDs: Set<Int32>
    let decoder: PieceDecoder

    /// Reads a tokenizer.json with a WordPiece model.
    ///
    /// - Parameters:
    ///   - tokenizerJSON: the file. Its `truncation` and `padding` are not used.
    ///   - matchAddedTokens: whether a special token written out in a text, such as `[SEP]`, becomes that token, as
    ///     `tokenizers` does it. With false it is read as the characters it consists of, so that a text cannot
    ///     pretend to be two.
    /// - Throws: `.invalidArgument` for a broken file and `.failedPrecondition` for one that needs more than this
    ///   reader knows; both name the field.
    package convenience init(tokenizerJSON: [UInt8], matchAddedTokens: Bool = true) throws(MartletError) {
        try self.init(TokenizerFile(tokenizerJSON), matchAddedTokens: matchAddedTokens)
    }

    /// Reads a vocab.txt, a token a line, with BERT's usual rules and special tokens.
    ///
    /// - Parameters:
    ///   - lowercase: false for cased models, which keep accents too.
    ///   - matchAddedTokens: as above.
    package convenience init(
        vocabulary: [UInt8], lowercase: Bool, matchAddedTokens: Bool = true
    ) throws(MartletError) {
        guard vocabulary.count <= TokenizerLimits.fileBytesMax else {
            throw MartletError(
                .invalidArgument,
                "vocab.txt has \(vocabulary.count) bytes; at most \(TokenizerLimits.fileBytesMax) are allowed")
        }
        try self.init(
            TokenizerFile(vocabulary: Vocabulary(lines: vocabulary), lowercase: lowercase),
            matchAddedTokens: matchAddedTokens)
    }

    private init(_ file: TokenizerFile, matchAddedTokens: Bool) throws(MartletError) {
        let source = file.vocabulary.source
        let pieces = try file.vocabulary.trie()
        guard let unknownID = pieces.id(of: file.unknownToken) else {
            throw MartletError(.invalidArgument, "\(source) lacks the unknown token that model.unk_token names")
        }

        // Added tokens that the vocabulary lacks follow it.
        var size = file.vocabulary.pieces.count
        var added: [(content: [UInt8], id: Int32)] = []
        var extra: [[UInt8]: Int32] = [:]
        var extraPieces: [[UInt8]] = []
        var special: Set<Int32> = []
        for (index, token) in file.addedTokens.enumerated() {
            let field = "tokenizer.json's added_tokens[\(index)]"
            if let id = pieces.id(of: token.content) ?? extra[token.content] {
                guard Int(id) == token.id else {
                    throw MartletError(
                        .invalidArgument, "\(field) has the id \(token.id), but the same token has the id \(id)")
                }
                guard extra[token.content] == nil else {
                    throw MartletError(.invalidArgument, "\(field) is there twice")
                }
                added.append((token.content, id))
                if token.isSpecial { special.insert(id) }
            } else {
                guard token.id == size, size < TokenizerLimits.piecesMax else {
                    throw MartletError(
                        .invalidArgument,
                        "\(field) has the id \(token.id); a token outside the vocabulary must have the next id, \(size)"
                    )
                }
                added.append((token.content, Int32(size)))
                extra[token.content] = Int32(size)
                extraPieces.append(token.content)
                if token.isSpecial { special.insert(Int32(size)) }
                size += 1
            }
        }

        guard let template = file.special else {
            throw MartletError(.invalidArgument, "tokenizer.json's post_processor is missing")
        }
        func id(_ token: [UInt8], stated: Int?, _ name: String) throws(MartletError) -> Int32 {
            guard let id = pieces.id(of: token) ?? extra[token] else {
                throw MartletError(.invalidArgument, "\(source) lacks the special token \(name)")
            }
            guard stated == nil || stated == Int(id) else {
                throw MartletError(
                    .invalidArgument,
                    "tokenizer.json's post_processor gives \(name) the id \(stated ?? -1), but the vocabulary \(id)")
            }
            return id
        }
        clsID = try id(template.cls, stated: template.clsID, "[CLS]")
        sepID = try id(template.sep, stated: template.sepID, "[SEP]")
        unkID = unknownID
        let pad = Array("[PAD]".utf8)
        padID = pieces.id(of: pad) ?? extra[pad] ?? 0
        vocabularySize = size
        self.pieces = PieceTable(file.vocabulary.pieces, followedBy: extraPieces)
        specialIDs = special
        decoder = file.decoder
        rules = TokenRules(
            characters: CharacterTable.shared(file.normalization), pieces: pieces,
            continuation: pieces.node(after: file.continuingPrefix), unknownID: unknownID,
            wordCharactersMax: file.wordCharactersMax, addedTokens: matchAddedTokens ? added : [])
    }

    /// Appends the ids of the text's tokens, without special tokens.
    package func tokenIDs(_ text: String, into ids: inout [Int32]) {
        var tokens = TokenList(keepsSpans: false)
        swap(&tokens.ids, &ids)
        scan(text, into: &tokens)
        swap(&tokens.ids, &ids)
    }

    /// The text's tokens and where they stand in it, without special tokens.
    package func tokenize(_ text: String) -> (ids: [Int32], spans: [TextSpan]) {
        var tokens = TokenList(keepsSpans: true)
        scan(text, into: &tokens)
        return (tokens.ids, tokens.spans)
    }

    private func scan(_ text: String, into tokens: inout TokenList) {
        var text = text
        text.withUTF8 { bytes in
            var scanner = WordScanner(rules)
            do throws(WordScanner.InvalidUTF8) {
                _ = try scanner.scan(bytes, isLast: true, into: &tokens)
            } catch {
                // A String is valid UTF-8, whatever it was made from.
                assertionFailure("a String held invalid UTF-8 at byte \(error.byteOffset)")
            }
        }
    }
}
