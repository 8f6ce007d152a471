internal import MartletArtifact
package import MartletCore
package import MartletText

/// A model folder's tokenizer as tokenizer.json, and the tokenizer itself.
package struct TokenizerImport: Sendable {
    package let tokenizer: BertTokenizer
    package let json: [UInt8]
    package let isLowercase: Bool

    /// Takes `tokenizer.json`, or makes one from `vocab.txt` and `tokenizer_config.json`.
    package init(_ folder: SourceFolder, limits: Limits = Limits()) throws(MartletError) {
        if folder.has("tokenizer.json") {
            json = try folder.read("tokenizer.json", bytesMax: limits.tokenizerBytesMax)
        } else if folder.has("vocab.txt") {
            json = try TokenizerImport.made(from: folder, limits)
        } else {
            throw MartletError(
                .notFound,
                "tokenizer.json: the model folder has no such file, nor vocab.txt. Save the tokenizer beside the model "
                    + "(tokenizer.save_pretrained).")
        }
        let tokenizer = try BertTokenizer(tokenizerJSON: json)
        self.tokenizer = tokenizer
        // A cased vocabulary tells at least one letter of the alphabet from its capital.
        isLowercase = "abcdefghijklmnopqrstuvwxyz".allSatisfy { letter in
            tokenizer.tokenize(String(letter)).ids == tokenizer.tokenize(letter.uppercased()).ids
        }
    }

    /// The fields of tokenizer_config.json that change tokens.
    private struct Config: Decodable {
        var do_lower_case: Bool?
        var strip_accents: Bool?
        var tokenize_chinese_chars: Bool?
    }

    private static func made(from folder: SourceFolder, _ limits: Limits) throws(MartletError) -> [UInt8] {
        let bytes = try folder.read("vocab.txt", bytesMax: limits.tokenizerBytesMax)
        var config = Config()
        if folder.has("tokenizer_config.json") {
            config = try folder.readJSON(Config.self, "tokenizer_config.json", bytesMax: limits.manifestBytesMax)
        }
        var lines: [String] = []
        for line in bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false) {
            guard let text = String(validating: line.last == UInt8(ascii: "\r") ? line.dropLast() : line, as: UTF8.self)
            else { throw .source("vocab.txt", "line \(lines.count + 1) is not UTF-8") }
            lines.append(text)
        }
        if lines.last == "" { lines.removeLast() }
        return Array(
            document(
                vocabulary: lines, lowercase: config.do_lower_case ?? true, stripsAccents: config.strip_accents,
                separatesChinese: config.tokenize_chinese_chars ?? true
            ).utf8)
    }

    /// The tokenizer.json that transformers makes of a BERT vocabulary.
    static func document(
        vocabulary: [String], lowercase: Bool, stripsAccents: Bool?, separatesChinese: Bool
    ) -> String {
        let special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
        var added: [String] = []
        for (id, token) in vocabulary.enumerated() where special.contains(token) {
            added.append(
                "{\"id\":\(id),\"content\":\(quote(token)),\"single_word\":false,\"lstrip\":false,\"rstrip\":false,"
                    + "\"normalized\":false,\"special\":true}")
        }
        let ids = Dictionary(vocabulary.enumerated().map { ($1, $0) }, uniquingKeysWith: { first, _ in first })
        func part(_ token: String, _ type: Int) -> String {
            "{\"SpecialToken\":{\"id\":\"\(token)\",\"type_id\":\(type)}}"
        }
        func sequence(_ name: String, _ type: Int) -> String {
            "{\"Sequence\":{\"id\":\"\(name)\",\"type_id\":\(type)}}"
        }
        func entry(_ token: String) -> String {
            "\"\(token)\":{\"id\":\"\(token)\",\"ids\":[\(ids[token] ?? -1)],\"tokens\":[\"\(token)\"]}"
        }
        let single = [part("[CLS]", 0), sequence("A", 0), part("[SEP]", 0)]
        let pair = single + [sequence("B", 1), part("[SEP]", 1)]
        let words = vocabulary.enumerated().map { "\(quote($1)):\($0)" }.joined(separator: ",\n")
        return """
            {"version":"1.0","truncation":null,"padding":null,
            "added_tokens":[\(added.joined(separator: ",\n"))],
            "normalizer":{"type":"BertNormalizer","clean_text":true,"handle_chinese_chars":\(separatesChinese),\
            "strip_accents":\(stripsAccents.map(String.init) ?? "null"),"lowercase":\(lowercase)},
            "pre_tokenizer":{"type":"BertPreTokenizer"},
            "post_processor":{"type":"TemplateProcessing","single":[\(single.joined(separator: ","))],\
            "pair":[\(pair.joined(separator: ","))],"special_tokens":{\(entry("[CLS]")),\(entry("[SEP]"))}},
            "decoder":{"type":"WordPiece","prefix":"##","cleanup":true},
            "model":{"type":"WordPiece","unk_token":"[UNK]","continuing_subword_prefix":"##",\
            "max_input_chars_per_word":100,"vocab":{
            \(words)
            }}}

            """
    }

    /// A JSON string.
    private static func quote(_ text: String) -> String {
        var quoted = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": quoted += "\\\""
            case "\\": quoted += "\\\\"
            case _ where scalar.value < 0x20:
                let digits = String(scalar.value, radix: 16)
                quoted += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: quoted.unicodeScalars.append(scalar)
            }
        }
        return quoted + "\""
    }
}
