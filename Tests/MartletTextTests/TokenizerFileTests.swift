import MartletCore
import MartletTestSupport
import MartletText
import Testing

@Suite("A tokenizer file that is not as it should be is refused by name")
struct TokenizerFileTests {
    /// A small, correct file, one part after another, so that a test can change one.
    static let parts: [(name: String, json: String)] = [
        ("version", "\"1.0\""),
        ("truncation", "{\"max_length\": 128}"),
        ("padding", "{\"strategy\": {\"Fixed\": 128}}"),
        (
            "added_tokens",
            """
            [{"id": 3, "content": "[SEP]", "single_word": false, "lstrip": false, "rstrip": false,
              "normalized": false, "special": true}]
            """
        ),
        (
            "normalizer",
            #"{"type": "BertNormalizer", "clean_text": true, "handle_chinese_chars": true, "strip_accents": null, "#
                + #""lowercase": true}"#
        ),
        ("pre_tokenizer", #"{"type": "BertPreTokenizer"}"#),
        ("post_processor", #"{"type": "BertProcessing", "sep": ["[SEP]", 3], "cls": ["[CLS]", 2]}"#),
        ("decoder", #"{"type": "WordPiece"}"#),
        (
            "model",
            """
            {"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##",
             "max_input_chars_per_word": 100, "vocab": {"[PAD]": 0, "[UNK]": 1, "[CLS]": 2, "[SEP]": 3, "x": 4}}
            """
        ),
    ]

    static func file(_ changed: String? = nil, _ json: String? = nil) -> [UInt8] {
        let members = parts.compactMap { part -> String? in
            guard part.name == changed else { return "\"\(part.name)\": \(part.json)" }
            return json.map { "\"\(part.name)\": \($0)" }
        }
        return Array("{\(members.joined(separator: ",\n"))}".utf8)
    }

    static func refusal(_ bytes: [UInt8]) -> MartletError? {
        do throws(MartletError) {
            _ = try BertTokenizer(tokenizerJSON: bytes)
            return nil
        } catch {
            return error
        }
    }

    static func model(_ vocabulary: String, unknown: String = "[UNK]", more: String = "") -> String {
        #"{"type": "WordPiece", "unk_token": "\#(unknown)", "vocab": {\#(vocabulary)}\#(more)}"#
    }

    static let special = #""[PAD]": 0, "[UNK]": 1, "[CLS]": 2, "[SEP]": 3"#

    @Test("but a correct one is read")
    func correct() throws {
        #expect(Self.refusal(Self.file()) == nil)
        let tokenizer = try BertTokenizer(tokenizerJSON: Self.file())
        #expect(tokenizer.tokenize("X [SEP] xx").ids == [4, 3, 1])
    }

    @Test("and the error says which field", arguments: [
        ("model", nil, "model is missing"),
        ("normalizer", nil, "normalizer is missing"),
        ("normalizer", "null", "normalizer is no object; a BertNormalizer is needed"),
        ("normalizer", #"{"type": "NFC"}"#, "normalizer.type is \"NFC\""),
        ("normalizer", #"{"lowercase": true}"#, "normalizer.type is missing"),
        ("normalizer", #"{"type": "BertNormalizer", "lowercase": 1}"#, "normalizer.lowercase"),
        ("normalizer", #"{"type": "BertNormalizer", "strip": 1}"#, "normalizer.strip"),
        ("pre_tokenizer", #"{"type": "ByteLevel", "add_prefix_space": false}"#, "pre_tokenizer.type is \"ByteLevel\""),
        ("post_processor", #"{"type": "RobertaProcessing"}"#, "post_processor.type is \"RobertaProcessing\""),
        ("post_processor", "null", "post_processor is no object"),
        ("post_processor", #"{"type": "BertProcessing", "sep": ["[SEP]", 3]}"#, "post_processor lacks cls or sep"),
        ("post_processor", #"{"type": "BertProcessing", "sep": ["[SEP]", 4], "cls": ["[CLS]", 2]}"#, "the id 4"),
        ("post_processor", #"{"type": "BertProcessing", "sep": ["</s>", 3], "cls": ["[CLS]", 2]}"#, "[SEP]"),
        (
            "post_processor", #"{"type": "TemplateProcessing", "single": [], "pair": [], "special_tokens": {}}"#,
            "single"
        ),
        ("model", #"{"type": "BPE", "vocab": {}}"#, "model.type is \"BPE\""),
        ("model", #"{"type": "WordPiece"}"#, "model.vocab is missing"),
        ("model", #"{"type": "WordPiece", "vocab": []}"#, "model.vocab is no object"),
        ("model", model(""), "model.vocab is empty"),
        ("model", model(special, unknown: "<unk>"), "lacks the unknown token"),
        ("model", model(special + #", "x": 5"#), "the id 5"),
        ("model", model(special + #", "x": 3"#), "gives the id 3 to two tokens"),
        ("model", model(special + #", "x": 4, "x": 5"#), "has a token twice"),
        ("model", model(special + #", "x": -1"#), "id -1"),
        ("model", model(special + #", "x": 99999999999"#), "id 99999999999"),
        ("model", model(special + #", "x": 99999999999999999999"#), "model.vocab holds something other"),
        ("model", model(special + #", "x": 4.5"#), "model.vocab holds something other"),
        ("model", model(special + #", "x": "4""#), "model.vocab holds something other"),
        ("model", model(special, more: #", "max_input_chars_per_word": 0"#), "max_input_chars_per_word is 0"),
        (
            "model", model(special, more: #", "max_input_chars_per_word": 1000000"#),
            "max_input_chars_per_word is 1000000"
        ),
        ("model", model(special, more: #", "merges": []"#), "model.merges"),
        ("added_tokens", "{}", "added_tokens is no list"),
        ("added_tokens", #"[{"id": 3, "content": ""}]"#, "added_tokens[0].content has 0 bytes"),
        ("added_tokens", #"[{"id": 4, "content": "[SEP]"}]"#, "added_tokens[0] has the id 4"),
        ("added_tokens", #"[{"id": 9, "content": "[NEW]"}]"#, "added_tokens[0] has the id 9"),
        ("added_tokens", #"[{"id": 5, "content": "n"}, {"id": 5, "content": "n"}]"#, "added_tokens[1] is there twice"),
        ("added_tokens", #"[{"id": 3, "content": "[SEP]", "lstrip": true}]"#, "added_tokens[0].lstrip is true"),
        ("added_tokens", #"[{"id": 3, "content": "[SEP]", "normalized": true}]"#, "added_tokens[0].normalized is true"),
    ] as [(String, String?, String)])
    func refused(part: String, json: String?, message: String) {
        let error = Self.refusal(Self.file(part, json))
        #expect(error?.message.contains(message) == true, "\(error?.message ?? "was read")")
        #expect(error?.code == .invalidArgument || error?.code == .failedPrecondition)
    }

    @Test("wherever it was cut off")
    func truncated() {
        let whole = Self.file()
        for length in 0..<whole.count {
            let error = Self.refusal(Array(whole.prefix(length)))
            #expect(error?.code == .invalidArgument, "cut at byte \(length)")
        }
    }

    @Test("or read, but never a crash, when bytes were changed", arguments: 0..<8)
    func changedBytes(seed: Int) {
        var random = SeededGenerator(seed: UInt64(seed))
        let whole = Self.file()
        for _ in 0..<30 {
            var bytes = whole
            for _ in 0..<Int.random(in: 1...3, using: &random) {
                bytes[Int.random(in: bytes.indices, using: &random)] = UInt8.random(in: 0...255, using: &random)
            }
            _ = Self.refusal(bytes)
        }
    }

    @Test("when its JSON is broken", arguments: [
        "", "null", "[]", "{", "{}x", #"{"a": tru}"#, #"{"a" 1}"#, #"{"a": "\x"}"#, #"{"a": "\ud800"}"#,
        #"{"a": "\u12g4"}"#,
        #"{"a": }"#, "{\"a\": \"\u{0}\"}", "{\"a\": 1,}", "{\"a\": [1,]}", "\u{0}", #"{"a": 1 "b": 2}"#,
    ])
    func brokenJSON(text: String) {
        #expect(Self.refusal(Array(text.utf8))?.code == .invalidArgument)
    }

    @Test("when it is nested without end")
    func nested() {
        for bracket in ["[", #"{"a":"#] {
            let text = #"{"version": "# + String(repeating: bracket, count: 1 << 20)
            #expect(Self.refusal(Array(text.utf8))?.message.contains("nested deeper than 64 levels") == true)
        }
    }

    @Test("when a string is not UTF-8")
    func notUTF8() {
        let bytes = Array(#"{"version": ""#.utf8) + [0xFF] + Array(#""}"#.utf8)
        #expect(Self.refusal(bytes)?.message.contains("not UTF-8") == true)
    }

    @Test("when a token has 64 KiB")
    func longTokens() {
        let long = String(repeating: "y", count: 64 << 10)
        let model = Self.refusal(Self.file("model", Self.model(Self.special + ", \"\(long)\": 4")))
        #expect(model?.message.contains("a token of 65536 bytes") == true)
        let added = Self.refusal(Self.file("added_tokens", "[{\"id\": 4, \"content\": \"\(long)\"}]"))
        #expect(added?.message.contains("has 65536 bytes") == true)
        let lines = BertTokenizerTests.lines(BertTokenizerTests.vocabulary + [long])
        #expect(throws: MartletError.self) { try BertTokenizer(vocabulary: lines, lowercase: true) }
    }

    @Test("when it is larger than any tokenizer")
    func absurdSize() {
        let spaces = [UInt8](repeating: 0x20, count: (64 << 20) + 1)
        #expect(Self.refusal(spaces)?.message.contains("67108865 bytes; at most 67108864") == true)
        let error = #expect(throws: MartletError.self) { try BertTokenizer(vocabulary: spaces, lowercase: true) }
        #expect(error?.message.contains("67108865 bytes") == true)
    }

    @Test("but a NUL in a token is a character like any other")
    func nulBytes() throws {
        let json = Self.model(Self.special + #", "a\u0000b": 4"#)
        let normalizer =
            #"{"type": "BertNormalizer", "clean_text": false, "lowercase": false, "handle_chinese_chars": false}"#
        let file = String(decoding: Self.file("model", json), as: UTF8.self)
            .replacing(Self.parts[4].json, with: normalizer)
        let tokenizer = try BertTokenizer(tokenizerJSON: Array(file.utf8))
        #expect(tokenizer.tokenize("a\u{0}b ab").ids == [4, 1])
        let lines = BertTokenizerTests.lines(BertTokenizerTests.vocabulary + ["a\u{0}b"])
        #expect(try BertTokenizer(vocabulary: lines, lowercase: true).vocabularySize == 14)
    }

    @Test("and so is a vocab.txt", arguments: [
        ("", "vocab.txt is empty"),
        ("[UNK]\n[CLS]\n[SEP]\n[CLS]", "vocab.txt has a token twice; the second has the id 3"),
        ("a\nb", "lacks the unknown token"), ("[UNK]\n[CLS]", "vocab.txt lacks the special token [SEP]"),
        ("[UNK]\n[SEP]", "vocab.txt lacks the special token [CLS]"),
    ])
    func vocabularyFile(text: String, message: String) {
        let error = #expect(throws: MartletError.self) {
            try BertTokenizer(vocabulary: Array(text.utf8), lowercase: true)
        }
        #expect(error?.message.contains(message) == true, "\(error?.message ?? "")")
    }

    @Test("and a vocab.txt that is not UTF-8")
    func vocabularyNotUTF8() {
        let error = #expect(throws: MartletError.self) {
            try BertTokenizer(vocabulary: [0x61, 0x0A, 0xFF], lowercase: true)
        }
        #expect(error?.message == "vocab.txt is not UTF-8")
    }
}
