import Foundation
import MartletCore
import MartletText
import Testing

@Suite("Tokens with their texts, and back, equal Hugging Face tokenizers 0.23.3")
struct TokenTextTests {
    private struct Written: Decodable {
        struct Encoding: Decodable {
            let first: String
            let second: String?
            let ids: [Int32]
            let tokens: [String]
            let types: [Int32]
            let special: [Int]
            let offsets: [[Int]]
        }
        struct Decoder: Decodable {
            let name: String
            /// A tokenizer.json.
            let tokenizer: String
            let skipping: [String]
            let keeping: [String]
        }
        let encodings: [Encoding]
        let sequences: [[Int32]]
        let decoders: [Decoder]
    }

    private static func written() throws -> Written {
        let folder = try #require(Bundle.module.resourceURL)
        return try JSONDecoder().decode(
            Written.self, from: Data(contentsOf: folder.appendingPathComponent("Fixtures/tokens.json")))
    }

    @Test("tokens of texts and pairs have the same texts, types and places, and the same ones are special")
    func tokens() throws {
        let tokenizer = try Fixture.tinyTokenizer()
        for expected in try Self.written().encodings {
            let input = TextInput(expected.first, pair: expected.second)
            let tokens = tokenizer.tokens(of: input, addSpecialTokens: true)
            #expect(tokens.map(\.id) == expected.ids, "\(expected.first.debugDescription)")
            #expect(tokens.map { Array($0.text.utf8) } == expected.tokens.map { Array($0.utf8) })
            #expect(tokens.map(\.typeID) == expected.types)
            #expect(tokens.map { $0.isSpecial ? 1 : 0 } == expected.special)
            for (token, offset) in zip(tokens, expected.offsets) {
                #expect([token.span?.characterStart ?? 0, token.span?.characterEnd ?? 0] == offset)
                #expect((token.span == nil) == token.isSpecial)
            }
            #expect(tokenizer.tokens(of: input, addSpecialTokens: false) == tokens.filter { !$0.isSpecial })
        }
    }

    @Test("ids become the same text in every decoder, with special tokens and without")
    func decodes() throws {
        let written = try Self.written()
        #expect(written.decoders.count == 4)
        for decoder in written.decoders {
            let tokenizer = try BertTokenizer(tokenizerJSON: Array(decoder.tokenizer.utf8))
            for (index, ids) in written.sequences.enumerated() {
                let skipping = try tokenizer.text(of: ids, skipSpecialTokens: true)
                let keeping = try tokenizer.text(of: ids, skipSpecialTokens: false)
                #expect(skipping.utf8.elementsEqual(decoder.skipping[index].utf8), "\(decoder.name): \(ids)")
                #expect(keeping.utf8.elementsEqual(decoder.keeping[index].utf8), "\(decoder.name): \(ids)")
                #expect(keeping.utf8.count <= tokenizer.textBytesMax(of: ids))
            }
        }
    }

    @Test(
        "tokens of more than 10000 real lines become the same text again, cased and uncased",
        .enabled(
            if: Fixture.madeHere != nil,
            "MARTLET_FIXTURES is unset; Tools/test makes the fixtures and sets it"),
        arguments: ["uncased", "cased"])
    func realLines(name: String) throws {
        let folder = try #require(Fixture.madeHere)
        let lines = try JSONDecoder().decode(
            [String].self, from: Data(contentsOf: folder.appendingPathComponent("lines.json")))
        let expected = try JSONDecoder().decode(
            [String].self, from: Data(contentsOf: folder.appendingPathComponent("\(name)/decoded.json")))
        let file = try Data(contentsOf: folder.appendingPathComponent("\(name)/tokenizer.json"))
        let tokenizer = try BertTokenizer(tokenizerJSON: [UInt8](file))
        #expect(lines.count >= 10_000 && expected.count == lines.count)
        var differing = 0
        for (line, wanted) in zip(lines, expected) {
            let text = try tokenizer.text(of: tokenizer.encode(TextInput(line)).ids, skipSpecialTokens: true)
            if !text.utf8.elementsEqual(wanted.utf8) { differing += 1 }
        }
        #expect(differing == 0, "\(differing) of \(lines.count) lines differ")
    }

    @Test("an unknown id is no piece, and a decoder of another kind is refused by name and only when it is asked for")
    func refuses() throws {
        let json = String(decoding: try Fixture.tinyTokenizerJSON(), as: UTF8.self)
        let tokenizer = try BertTokenizer(tokenizerJSON: Array(json.utf8))
        #expect(tokenizer.piece(of: 2) == "[CLS]")
        #expect(tokenizer.piece(of: -1) == nil && tokenizer.piece(of: Int32(tokenizer.vocabularySize)) == nil)
        #expect(tokenizer.piece(of: .max) == nil)
        let other = json.replacingOccurrences(
            of: "\"type\": \"WordPiece\", \"prefix\"", with: "\"type\": \"ByteLevel\", \"prefix\"")
        #expect(other != json)
        let foreign = try BertTokenizer(tokenizerJSON: Array(other.utf8))
        #expect(foreign.tokenize("hello").ids == tokenizer.tokenize("hello").ids)
        let error = #expect(throws: MartletError.self) { try foreign.text(of: [5], skipSpecialTokens: true) }
        #expect(error?.code == .failedPrecondition && error?.message.contains("ByteLevel") == true)
    }
}
