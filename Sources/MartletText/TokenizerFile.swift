internal import MartletCore

/// What Martlet needs of a Hugging Face tokenizer.json: a WordPiece model as BERT uses it.
///
/// `truncation` and `padding` are left aside on purpose: published files carry those of their training, and Martlet
/// never cuts or pads unasked. Everything else that would change a token is either understood or refused by name.
struct TokenizerFile {
    struct AddedToken {
        var content: [UInt8] = []
        var id = -1
        var isSpecial = false
    }

    /// `post_processor`: the special tokens around a text.
    struct SpecialTokens {
        var cls: [UInt8]
        var sep: [UInt8]
        /// Ids as the file states them; checked against the vocabulary.
        var clsID: Int?
        var sepID: Int?
    }

    var normalization = BertNormalization()
    var vocabulary = Vocabulary(source: "tokenizer.json's model.vocab")
    var unknownToken = Array("[UNK]".utf8)
    var continuingPrefix = Array("##".utf8)
    var wordCharactersMax = 100
    var addedTokens: [AddedToken] = []
    var special: SpecialTokens?
    var decoder = PieceDecoder.blanks

    init(_ bytes: [UInt8]) throws(MartletError) {
        guard bytes.count <= TokenizerLimits.fileBytesMax else {
            throw MartletError(
                .invalidArgument,
                "tokenizer.json has \(bytes.count) bytes; at most \(TokenizerLimits.fileBytesMax) are allowed")
        }
        var found: Set<String> = []
        var cursor = try JSONCursor(bytes, source: "tokenizer.json")
        guard try cursor.kind() == .object else { throw cursor.broken("is no object") }
        try cursor.object { (cursor, key) throws(MartletError) in
            let name = String(decoding: key, as: UTF8.self)
            guard found.insert(name).inserted else { throw Self.refused(name, "is there twice") }
            switch name {
            case "normalizer": try readNormalizer(&cursor)
            case "pre_tokenizer": try readPreTokenizer(&cursor)
            case "model": try readModel(&cursor)
            case "post_processor": try readPostProcessor(&cursor)
            case "added_tokens": try readAddedTokens(&cursor)
            case "decoder": try readDecoder(&cursor)
            default: try cursor.skip()
            }
        }
        try cursor.end()
        for name in ["normalizer", "pre_tokenizer", "model", "post_processor"] where !found.contains(name) {
            throw Self.refused(name, "is missing")
        }
    }

    static func refused(_ field: String, _ why: String) -> MartletError {
        MartletError(.invalidArgument, "tokenizer.json's \(field) \(why)")
    }

    private static func unsupported(_ field: String, _ value: [UInt8], _ wanted: String) -> MartletError {
        let shown = String(decoding: value.prefix(40), as: UTF8.self)
        return MartletError(
            .failedPrecondition, "tokenizer.json's \(field) is \"\(shown)\"; this version of Martlet reads \(wanted)")
    }

    // MARK: Parts

    private mutating func readNormalizer(_ cursor: inout JSONCursor) throws(MartletError) {
        let field = "normalizer"
        var strips: Bool?
        try Self.object(field, &cursor, type: "BertNormalizer") { (cursor, name) throws(MartletError) in
            switch name {
            case "clean_text": normalization.cleansText = try Self.bool("\(field).\(name)", &cursor)
            case "handle_chinese_chars": normalization.separatesChinese = try Self.bool("\(field).\(name)", &cursor)
            case "lowercase": normalization.lowercases = try Self.bool("\(field).\(name)", &cursor)
            case "strip_accents":
                if try cursor.kind() == .null {
                    try cursor.null()
                } else {
                    strips = try Self.bool("\(field).\(name)", &cursor)
                }
            default: throw Self.refused("\(field).\(name)", "is a field this version of Martlet does not know")
            }
        }
        normalization.stripsAccents = strips ?? normalization.lowercases
    }

    private func readPreTokenizer(_ cursor: inout JSONCursor) throws(MartletError) {
        try Self.object("pre_tokenizer", &cursor, type: "BertPreTokenizer") { (_, name) throws(MartletError) in
            throw Self.refused("pre_tokenizer.\(name)", "is a field this version of Martlet does not know")
        }
    }

    private mutating func readModel(_ cursor: inout JSONCursor) throws(MartletError) {
        var hasVocabulary = false
        try Self.object("model", &cursor, type: "WordPiece") { (cursor, name) throws(MartletError) in
            switch name {
            case "unk_token": unknownToken = try Self.string("model.unk_token", &cursor)
            case "continuing_subword_prefix":
                continuingPrefix = try Self.string("model.continuing_subword_prefix", &cursor)
            case "max_input_chars_per_word":
                let count = try Self.integer("model.max_input_chars_per_word", &cursor)
                guard (1...TokenizerLimits.wordCharactersMax).contains(count) else {
                    throw Self.refused(
                        "model.max_input_chars_per_word",
                        "is \(count); it must be 1 to \(TokenizerLimits.wordCharactersMax)")
                }
                wordCharactersMax = count
            case "vocab":
                guard !hasVocabulary else { throw Self.refused("model.vocab", "is there twice") }
                hasVocabulary = true
                guard try cursor.kind() == .object else { throw Self.refused("model.vocab", "is no object") }
                try cursor.object { (cursor, piece) throws(MartletError) in
                    try vocabulary.add(piece, id: Self.integer("model.vocab", &cursor))
                }
            default: throw Self.refused("model.\(name)", "is a field this version of Martlet does not know")
            }
        }
        guard hasVocabulary else { throw Self.refused("model.vocab", "is missing") }
    }

    private mutating func readAddedTokens(_ cursor: inout JSONCursor) throws(MartletError) {
        guard try cursor.kind() == .array else { throw Self.refused("added_tokens", "is no list") }
        try cursor.array { (cursor) throws(MartletError) in
            var token = AddedToken()
            let field = "added_tokens[\(addedTokens.count)]"
            try Self.object(field, &cursor, type: nil) { (cursor, name) throws(MartletError) in
                switch name {
                case "id": token.id = try Self.integer("\(field).id", &cursor)
                case "content": token.content = try Self.string("\(field).content", &cursor)
                case "special": token.isSpecial = try Self.bool("\(field).special", &cursor)
                case "single_word", "lstrip", "rstrip", "normalized":
                    guard try !Self.bool("\(field).\(name)", &cursor) else {
                        throw MartletError(
                            .failedPrecondition,
                            "tokenizer.json's \(field).\(name) is true; this version of Martlet reads only false")
                    }
                default: throw Self.refused("\(field).\(name)", "is a field this version of Martlet does not know")
                }
            }
            guard !token.content.isEmpty, token.content.count <= TokenizerLimits.pieceBytesMax else {
                throw Self.refused(
                    "\(field).content",
                    "has \(token.content.count) bytes; it must have 1 to \(TokenizerLimits.pieceBytesMax)")
            }
            guard addedTokens.count < TokenizerLimits.addedTokensMax else {
                throw Self.refused("added_tokens", "has more than \(TokenizerLimits.addedTokensMax) tokens")
            }
            addedTokens.append(token)
        }
    }

    /// Only what turns ids into text reads it, so a kind that is not known refuses nothing else.
    private mutating func readDecoder(_ cursor: inout JSONCursor) throws(MartletError) {
        guard try cursor.kind() == .object else { return try cursor.skip() }
        var kind = ""
        var prefix = Array("##".utf8)
        var cleansUp = true
        try Self.object("decoder", &cursor, type: nil) { (cursor, name) throws(MartletError) in
            switch name {
            case "type": kind = String(decoding: try Self.string("decoder.type", &cursor).prefix(40), as: UTF8.self)
            case "prefix": prefix = try Self.string("decoder.prefix", &cursor)
            case "cleanup": cleansUp = try Self.bool("decoder.cleanup", &cursor)
            default: try cursor.skip()
            }
        }
        decoder = kind == "WordPiece" ? .wordPiece(prefix: prefix, cleansUp: cleansUp) : .unknown(kind)
    }

    // MARK: Values

    /// Reads an object whose `type`, if one is wanted, must be `type`; `member` gets every other field.
    static func object(
        _ field: String, _ cursor: inout JSONCursor, type: String?,
        _ member: (inout JSONCursor, String) throws(MartletError) -> Void
    ) throws(MartletError) {
        guard try cursor.kind() == .object else {
            throw refused(field, type.map { "is no object; a \($0) is needed" } ?? "is no object")
        }
        var hasType = type == nil
        try cursor.object { (cursor, key) throws(MartletError) in
            let name = String(decoding: key, as: UTF8.self)
            guard name == "type", let type else { return try member(&cursor, name) }
            let value = try string("\(field).type", &cursor)
            guard value == Array(type.utf8) else { throw unsupported("\(field).type", value, type) }
            hasType = true
        }
        guard hasType else { throw refused("\(field).type", "is missing") }
    }

    static func string(_ field: String, _ cursor: inout JSONCursor) throws(MartletError) -> [UInt8] {
        guard try cursor.kind() == .string else { throw refused(field, "is no string") }
        return try cursor.string()
    }

    static func bool(_ field: String, _ cursor: inout JSONCursor) throws(MartletError) -> Bool {
        guard try cursor.kind() == .bool else { throw refused(field, "is neither true nor false") }
        return try cursor.bool()
    }

    static func integer(_ field: String, _ cursor: inout JSONCursor) throws(MartletError) -> Int {
        guard try cursor.kind() == .number, let value = try cursor.integer() else {
            throw refused(field, "holds something other than a whole number")
        }
        return value
    }
}

extension TokenizerFile {
    /// What BERT's original code made of a vocab.txt.
    init(vocabulary: Vocabulary, lowercase: Bool) {
        self.vocabulary = vocabulary
        normalization = BertNormalization(
            cleansText: true, separatesChinese: true, stripsAccents: lowercase, lowercases: lowercase)
        special = SpecialTokens(cls: Array("[CLS]".utf8), sep: Array("[SEP]".utf8))
        decoder = .wordPiece(prefix: continuingPrefix, cleansUp: true)
        for name in ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"] {
            let content = Array(name.utf8)
            if let (_, id) = vocabulary.pieces.first(where: { $0.piece == content }) {
                addedTokens.append(AddedToken(content: content, id: Int(id), isSpecial: true))
            }
        }
    }
}
