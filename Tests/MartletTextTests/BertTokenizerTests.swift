import MartletCore
import MartletText
import Testing

@Suite("The BERT tokenizer")
struct BertTokenizerTests {
    static let vocabulary = [
        "[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "hello", "un", "##aff", "##able", "[", "]", "sep", "x",
    ]

    static func lines(_ tokens: [String] = vocabulary) -> [UInt8] { Array(tokens.joined(separator: "\n").utf8) }

    @Test("reads a vocab.txt, with either line end and with or without one at the end", arguments: ["\n", "\r\n"])
    func vocabularyFile(lineEnd: String) throws {
        for tail in ["", lineEnd] {
            let bytes = Array((Self.vocabulary.joined(separator: lineEnd) + tail).utf8)
            let tokenizer = try BertTokenizer(vocabulary: bytes, lowercase: true)
            #expect(tokenizer.vocabularySize == 13)
            #expect([tokenizer.padID, tokenizer.unkID, tokenizer.clsID, tokenizer.sepID] == [0, 1, 2, 3])
            #expect(tokenizer.tokenize("Hello UNAFFABLE [MASK]").ids == [5, 6, 7, 8, 4])
        }
    }

    @Test("keeps case and accents when the vocabulary is cased")
    func cased() throws {
        let tokenizer = try BertTokenizer(vocabulary: Self.lines(), lowercase: false)
        #expect(tokenizer.tokenize("hello Hello héllo").ids == [5, 1, 1])
    }

    @Test("reads a special token in a text as that token, unless told not to")
    func addedTokens() throws {
        let matching = try BertTokenizer(vocabulary: Self.lines(), lowercase: true)
        #expect(matching.tokenize("hello[SEP]x").ids == [5, 3, 12])
        let literal = try BertTokenizer(vocabulary: Self.lines(), lowercase: true, matchAddedTokens: false)
        #expect(literal.tokenize("hello[SEP]x").ids == [5, 9, 11, 10, 12])
        #expect(literal.encode(TextInput("[CLS]")).ids.filter { $0 == literal.clsID }.count == 1)
    }

    @Test("appends to the ids that are there")
    func appends() throws {
        let tokenizer = try BertTokenizer(vocabulary: Self.lines(), lowercase: true)
        var ids: [Int32] = [77]
        tokenizer.tokenIDs("hello x", into: &ids)
        #expect(ids == [77, 5, 12])
    }

    @Test("makes one unknown token of a word of a mebibyte")
    func longWord() throws {
        let tokenizer = try BertTokenizer(vocabulary: Self.lines(), lowercase: true)
        for letter in ["x", "é", "e\u{301}"] {
            let word = String(repeating: letter, count: 1 << 20)
            let (ids, spans) = tokenizer.tokenize("hello \(word) x")
            #expect(ids == [5, 1, 12])
            #expect(spans[1].byteStart == 6)
            // The mark at the end was stripped: the word ends with its last letter, as with tokenizers.
            let strippedTail = letter.unicodeScalars.count == 2 ? 2 : 0
            #expect(spans[1].byteEnd == 6 + word.utf8.count - strippedTail)
        }
    }

    @Test("tells how many tokens there were when it cuts")
    func truncation() throws {
        let tokenizer = try BertTokenizer(vocabulary: Self.lines(), lowercase: true)
        let input = TextInput("hello x x hello")
        #expect(tokenizer.encode(input).tokensTotal == 6)
        #expect(!tokenizer.encode(input).isTruncated)
        let right = tokenizer.encode(input, tokensMax: 4, cutting: .right)
        #expect(right.ids == [2, 5, 12, 3])
        #expect(right.isTruncated && right.tokensTotal == 6)
        #expect(tokenizer.encode(input, tokensMax: 4, cutting: .left).ids == [2, 12, 5, 3])
        #expect(tokenizer.encode(input, tokensMax: 0, cutting: .left).ids == [2, 3])
        #expect(tokenizer.encode(input, tokensMax: Int.min, cutting: .right).ids == [2, 3])
    }

    @Test("keeps pieces apart that Unicode calls equivalent")
    func canonicalEquivalents() throws {
        let tokens = Self.vocabulary + ["é", "e\u{301}", "Å", "\u{212B}"]
        let tokenizer = try BertTokenizer(vocabulary: Self.lines(tokens), lowercase: false)
        #expect(tokenizer.vocabularySize == 17)
        #expect(tokenizer.tokenize("é e\u{301} Å \u{212B}").ids == [13, 14, 15, 16])
    }
}
