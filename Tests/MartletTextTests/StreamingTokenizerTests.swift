import MartletCore
import MartletTestSupport
import MartletText
import Testing

@Suite("A streamed text")
struct StreamingTokenizerTests {
    /// All tokens of `bytes`, given in chunks that end at `cuts`.
    static func stream(_ bytes: [UInt8], cuts: [Int], _ tokenizer: BertTokenizer) throws -> ([Int32], [TextSpan]) {
        var streaming = StreamingTokenizer(tokenizer)
        var ids: [Int32] = []
        var spans: [TextSpan] = []
        var start = 0
        for end in cuts.sorted() + [bytes.count] {
            try streaming.append(Array(bytes[start..<end]), ids: &ids, spans: &spans)
            start = end
            #expect(streaming.bytesReceived == end)
        }
        try streaming.finish(ids: &ids, spans: &spans)
        return (ids, spans)
    }

    @Test("gives the tokens and offsets of the whole text, wherever it is cut")
    func anyCut() throws {
        let fixture = try Fixture.hostile()
        for (number, configuration) in fixture.configurations.enumerated() {
            let tokenizer = try BertTokenizer(tokenizerJSON: Fixture.tinyTokenizerJSON(configuration.normalizer))
            var random = SeededGenerator(seed: UInt64(number))
            for text in fixture.texts {
                let bytes = Array(text.utf8)
                let whole = tokenizer.tokenize(text)
                for round in 0..<4 {
                    // Every byte alone in the first round, then some cuts.
                    let cuts =
                        round == 0
                        ? Array(bytes.indices)
                        : (0..<round * 3).map { _ in Int.random(in: 0...bytes.count, using: &random) }
                    let streamed = try Self.stream(bytes, cuts: cuts, tokenizer)
                    #expect(
                        streamed.0 == whole.ids && streamed.1 == whole.spans,
                        "\(configuration.name): \(text.debugDescription) cut at \(cuts)")
                }
            }
        }
    }

    @Test("gives the same tokens when all texts are one document, cut at random", arguments: 0..<8)
    func longDocument(seed: Int) throws {
        let fixture = try Fixture.hostile()
        let tokenizer = try Fixture.tinyTokenizer()
        var random = SeededGenerator(seed: UInt64(seed))
        let text = fixture.texts.shuffled(using: &random).joined(separator: seed % 2 == 0 ? "" : " ")
        let bytes = Array(text.utf8)
        let whole = tokenizer.tokenize(text)
        let cuts = (0..<Int.random(in: 1...2_000, using: &random)).map { _ in
            Int.random(in: 0...bytes.count, using: &random)
        }
        let streamed = try Self.stream(bytes, cuts: cuts, tokenizer)
        #expect(streamed.0 == whole.ids)
        #expect(streamed.1 == whole.spans)
        #expect(wrongByteOffsets(whole.spans, in: text) == 0)
    }

    @Test("gives a token as soon as nothing can change it")
    func early() throws {
        let tokenizer = try Fixture.tinyTokenizer()
        var streaming = StreamingTokenizer(tokenizer)
        var (ids, spans): ([Int32], [TextSpan]) = ([], [])
        try streaming.append(Array("hello world".utf8), ids: &ids, spans: &spans)
        #expect(ids == tokenizer.tokenize("hello").ids)
        try streaming.append(Array(" ".utf8), ids: &ids, spans: &spans)
        #expect(ids == tokenizer.tokenize("hello world").ids)
        try streaming.append(Array("[SE".utf8), ids: &ids, spans: &spans)
        #expect(ids.count == 2)
        try streaming.append(Array("P]".utf8), ids: &ids, spans: &spans)
        #expect(ids.last == tokenizer.sepID)
    }

    @Test(
        "keeps less than 64 KiB whatever comes",
        arguments: [
            "x", "e\u{301}", "\u{301}", "\u{301}\u{1B44}\u{302E}", "\u{1B44}", "\u{1D165}\u{323}", "\u{0}", "[", "[SE",
            "中",
            "[SEP]", "\u{1D15F}\u{1B44}", "hello ", "가",
        ])
    func bounded(unit: String) throws {
        let tokenizer = try Fixture.tinyTokenizer()
        let text = String(repeating: unit, count: (1 << 20) / unit.utf8.count)
        let bytes = Array(text.utf8)
        var streaming = StreamingTokenizer(tokenizer)
        var (ids, spans): ([Int32], [TextSpan]) = ([], [])
        var largest = 0
        // Steps that are no multiple of any character's length.
        for start in stride(from: 0, to: bytes.count, by: 4_099) {
            try streaming.append(Array(bytes[start..<min(start + 4_099, bytes.count)]), ids: &ids, spans: &spans)
            largest = max(largest, streaming.stateBytes)
        }
        try streaming.finish(ids: &ids, spans: &spans)
        #expect(largest < 64 << 10)
        let whole = tokenizer.tokenize(text)
        #expect(ids == whole.ids)
        #expect(spans == whole.spans)
    }

    @Test("keeps less than 64 KiB when the vocabulary allows its longest words, after large chunks too")
    func boundedForLongWords() throws {
        let json = String(decoding: try Fixture.tinyTokenizerJSON(), as: UTF8.self)
            .replacing("\"max_input_chars_per_word\": 100", with: "\"max_input_chars_per_word\": 1000")
        let tokenizer = try BertTokenizer(tokenizerJSON: Array(json.utf8))
        var streaming = StreamingTokenizer(tokenizer)
        var (ids, spans): ([Int32], [TextSpan]) = ([], [])
        for _ in 0..<3 {
            let chunk =
                String(repeating: "\u{1D157}", count: 100_000) + String(repeating: "\u{301}\u{1B44}", count: 400)
            try streaming.append(Array((chunk + "[SE").utf8), ids: &ids, spans: &spans)
            #expect(streaming.stateBytes < 64 << 10)
        }
    }

    @Test(
        "is refused at the byte where it stops being UTF-8",
        arguments: [
            ([0x61, 0xFF], 1), ([0xC3, 0x28], 0), ([0xC0, 0xAF], 0), ([0xE0, 0x80, 0x80], 0), ([0xED, 0xA0, 0x80], 0),
            ([0xF4, 0x90, 0x80, 0x80], 0), ([0xF5, 0x80, 0x80, 0x80], 0), ([0x61, 0x62, 0x80], 2),
            ([0xE4, 0xB8, 0xAD, 0xE4, 0xB8, 0x20], 3), ([0x5B, 0x53, 0x45, 0xFE], 3), ([0xF0, 0x80, 0x80, 0x80], 0),
        ] as [([UInt8], Int)])
    func invalid(bytes: [UInt8], offset: Int) throws {
        let tokenizer = try Fixture.tinyTokenizer()
        for prefix in ["", "hello wörld "] {
            for cut in 0...bytes.count {
                let document = Array(prefix.utf8) + bytes
                let error = #expect(throws: MartletError.self) {
                    try Self.stream(document, cuts: [prefix.utf8.count + cut], tokenizer)
                }
                #expect(error?.code == .invalidArgument)
                #expect(error?.message == "the document is not UTF-8 at byte \(prefix.utf8.count + offset)")
            }
        }
    }

    @Test("is refused when it ends inside a character")
    func truncated() throws {
        let tokenizer = try Fixture.tinyTokenizer()
        for char in ["é", "中", "😀"] {
            for length in 1..<char.utf8.count {
                let bytes = Array("hello ".utf8) + Array(char.utf8.prefix(length))
                let error = #expect(throws: MartletError.self) { try Self.stream(bytes, cuts: [7], tokenizer) }
                #expect(error?.message == "the document ends inside a character that starts at byte 6")
            }
        }
    }

    @Test("takes nothing more after an error or after its end")
    func afterwards() throws {
        let tokenizer = try Fixture.tinyTokenizer()
        var (ids, spans): ([Int32], [TextSpan]) = ([], [])
        var broken = StreamingTokenizer(tokenizer)
        #expect(throws: MartletError.self) { try broken.append([0xFF], ids: &ids, spans: &spans) }
        #expect(throws: MartletError.self) { try broken.append([0x61], ids: &ids, spans: &spans) }
        var ended = StreamingTokenizer(tokenizer)
        try ended.finish(ids: &ids, spans: &spans)
        let error = #expect(throws: MartletError.self) { try ended.append([0x61], ids: &ids, spans: &spans) }
        #expect(error?.code == .failedPrecondition)
        #expect(ids.isEmpty)
    }

    @Test("of random bytes never crashes", arguments: 0..<20)
    func randomBytes(seed: Int) throws {
        let tokenizer = try Fixture.tinyTokenizer()
        var random = SeededGenerator(seed: UInt64(seed))
        for _ in 0..<200 {
            let top: UInt8 = seed % 2 == 0 ? 0xFF : 0x7F
            let bytes = (0..<Int.random(in: 0...200, using: &random)).map { _ in
                UInt8.random(in: 0...top, using: &random)
            }
            let cuts = (0..<3).map { _ in Int.random(in: 0...bytes.count, using: &random) }
            let streamed = try? Self.stream(bytes, cuts: cuts, tokenizer)
            guard let text = String(validating: bytes, as: UTF8.self) else {
                #expect(streamed == nil)
                continue
            }
            #expect(streamed?.0 == tokenizer.tokenize(text).ids)
        }
    }
}
