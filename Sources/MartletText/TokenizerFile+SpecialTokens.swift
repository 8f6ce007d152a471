internal import MartletCore

/// `post_processor`: BERT's `[CLS] a [SEP]` and `[CLS] a [SEP] b [SEP]`, in either of the two forms files have.
extension TokenizerFile {
    mutating func readPostProcessor(_ cursor: inout JSONCursor) throws(MartletError) {
        let field = "post_processor"
        guard try cursor.kind() == .object else {
            throw Self.refused(field, "is no object; BertProcessing or TemplateProcessing is needed")
        }
        var type: [UInt8] = []
        var cls: (token: [UInt8], id: Int)?
        var sep: (token: [UInt8], id: Int)?
        var single: [Piece] = []
        var pair: [Piece] = []
        var ids: [(token: [UInt8], ids: [Int])] = []
        try cursor.object { (cursor, key) throws(MartletError) in
            switch String(decoding: key, as: UTF8.self) {
            case "type": type = try Self.string("\(field).type", &cursor)
            case "cls": cls = try Self.tokenAndID("\(field).cls", &cursor)
            case "sep": sep = try Self.tokenAndID("\(field).sep", &cursor)
            case "single": single = try Self.template("\(field).single", &cursor)
            case "pair": pair = try Self.template("\(field).pair", &cursor)
            case "special_tokens": ids = try Self.specialTokens("\(field).special_tokens", &cursor)
            case let name: throw Self.refused("\(field).\(name)", "is a field this version of Martlet does not know")
            }
        }
        switch String(decoding: type, as: UTF8.self) {
        case "BertProcessing":
            guard let cls, let sep else { throw Self.refused(field, "lacks cls or sep") }
            special = SpecialTokens(cls: cls.token, sep: sep.token, clsID: cls.id, sepID: sep.id)
        case "TemplateProcessing":
            special = try Self.special(single: single, pair: pair, ids: ids)
        case let other:
            let name = other.isEmpty ? "missing" : "\"\(other.prefix(40))\""
            throw MartletError(
                .failedPrecondition,
                "tokenizer.json's post_processor.type is \(name); "
                    + "this version of Martlet reads BertProcessing and TemplateProcessing")
        }
    }

    /// One place of a template.
    private enum Piece: Equatable {
        case special([UInt8], type: Int)
        case sequence([UInt8], type: Int)
    }

    /// Accepts BERT's two templates and no others, for the windows of a document are built by the same pattern.
    private static func special(
        single: [Piece], pair: [Piece], ids: [(token: [UInt8], ids: [Int])]
    ) throws(MartletError) -> SpecialTokens {
        let (a, b) = ([UInt8(ascii: "A")], [UInt8(ascii: "B")])
        guard single.count == 3, case .special(let cls, type: 0) = single[0], single[1] == .sequence(a, type: 0),
            case .special(let sep, type: 0) = single[2]
        else {
            throw unlikeBert("single", "[CLS] A [SEP], all of type 0")
        }
        guard
            pair == [
                .special(cls, type: 0), .sequence(a, type: 0), .special(sep, type: 0), .sequence(b, type: 1),
                .special(sep, type: 1),
            ]
        else {
            throw unlikeBert("pair", "[CLS] A [SEP] of type 0, then B [SEP] of type 1")
        }
        func id(of token: [UInt8]) throws(MartletError) -> Int {
            let entries = ids.filter { $0.token == token }
            guard entries.count == 1, entries[0].ids.count == 1 else {
                throw refused("post_processor.special_tokens", "does not name one id for each token of the template")
            }
            return entries[0].ids[0]
        }
        return SpecialTokens(cls: cls, sep: sep, clsID: try id(of: cls), sepID: try id(of: sep))
    }

    private static func unlikeBert(_ template: String, _ wanted: String) -> MartletError {
        MartletError(
            .failedPrecondition,
            "tokenizer.json's post_processor.\(template) differs from BERT's; "
                + "this version of Martlet reads only \(wanted)")
    }

    private static func template(_ field: String, _ cursor: inout JSONCursor) throws(MartletError) -> [Piece] {
        var pieces: [Piece] = []
        guard try cursor.kind() == .array else { throw refused(field, "is no list") }
        try cursor.array { (cursor) throws(MartletError) in
            guard pieces.count < 16 else { throw refused(field, "has more than 16 parts") }
            try object(field, &cursor, type: nil) { (cursor, name) throws(MartletError) in
                var id: [UInt8] = []
                var type = 0
                try object("\(field).\(name)", &cursor, type: nil) { (cursor, inner) throws(MartletError) in
                    switch inner {
                    case "id": id = try string("\(field).\(name).id", &cursor)
                    case "type_id": type = try integer("\(field).\(name).type_id", &cursor)
                    default: throw refused("\(field).\(name).\(inner)", "is unknown")
                    }
                }
                switch name {
                case "SpecialToken": pieces.append(.special(id, type: type))
                case "Sequence": pieces.append(.sequence(id, type: type))
                default: throw refused("\(field).\(name)", "is neither SpecialToken nor Sequence")
                }
            }
        }
        return pieces
    }

    private static func specialTokens(
        _ field: String, _ cursor: inout JSONCursor
    ) throws(MartletError) -> [(token: [UInt8], ids: [Int])] {
        var found: [(token: [UInt8], ids: [Int])] = []
        guard try cursor.kind() == .object else { throw refused(field, "is no object") }
        try cursor.object { (cursor, token) throws(MartletError) in
            guard found.count < 64 else { throw refused(field, "has more than 64 tokens") }
            var ids: [Int] = []
            guard try cursor.kind() == .object else { throw refused(field, "holds something other than objects") }
            try cursor.object { (cursor, key) throws(MartletError) in
                guard key == Array("ids".utf8) else { return try cursor.skip() }
                guard try cursor.kind() == .array else { throw refused("\(field).ids", "is no list") }
                try cursor.array { (cursor) throws(MartletError) in
                    guard ids.count < 16 else { throw refused("\(field).ids", "has more than 16 ids") }
                    ids.append(try integer("\(field).ids", &cursor))
                }
            }
            found.append((token, ids))
        }
        return found
    }

    /// `["[SEP]", 102]`
    private static func tokenAndID(
        _ field: String, _ cursor: inout JSONCursor
    ) throws(MartletError) -> (token: [UInt8], id: Int) {
        var token: [UInt8]?
        var id: Int?
        guard try cursor.kind() == .array else { throw refused(field, "is no list of a token and its id") }
        try cursor.array { (cursor) throws(MartletError) in
            switch (token, id) {
            case (nil, nil): token = try string(field, &cursor)
            case (_?, nil): id = try integer(field, &cursor)
            default: throw refused(field, "has more than a token and its id")
            }
        }
        guard let token, let id else { throw refused(field, "is no list of a token and its id") }
        return (token, id)
    }
}
