import Foundation
import MartletCore
import MartletText
import Testing

@Suite("The BERT tokenizer equals Hugging Face tokenizers 0.23.3")
struct HFEqualityTests {
    @Test("ids and offsets of a hostile list of texts are the same in every configuration")
    func hostileTexts() throws {
        let fixture = try Fixture.hostile()
        #expect(fixture.configurations.count == 6)
        for configuration in fixture.configurations {
            let tokenizer = try BertTokenizer(tokenizerJSON: Fixture.tinyTokenizerJSON(configuration.normalizer))
            #expect(configuration.expected.count == fixture.texts.count)
            for (text, expected) in zip(fixture.texts, configuration.expected) {
                let (ids, spans) = tokenizer.tokenize(text)
                #expect(Fixture.line(ids, spans) == expected, "\(configuration.name): \(text.debugDescription)")
                #expect(wrongByteOffsets(spans, in: text) == 0)
                var idsAlone: [Int32] = []
                tokenizer.tokenIDs(text, into: &idsAlone)
                #expect(idsAlone == ids)
            }
        }
    }

    @Test(
        "ids and offsets of more than 10000 real lines are the same in every configuration",
        .enabled(
            if: Fixture.madeHere != nil,
            "MARTLET_FIXTURES is unset; Tools/test makes the fixtures and sets it"))
    func realLines() throws {
        let folder = try #require(Fixture.madeHere)
        let lines = try JSONDecoder().decode(
            [String].self, from: Data(contentsOf: folder.appendingPathComponent("lines.json")))
        #expect(lines.count >= 10_000)
        for name in ["uncased", "cased", "cased-stripped", "uncased-accents", "unclean", "unseparated"] {
            let folder = folder.appendingPathComponent(name)
            let file = try Data(contentsOf: folder.appendingPathComponent("tokenizer.json"))
            let tokenizer = try BertTokenizer(tokenizerJSON: [UInt8](file))
            let expected = try Data(contentsOf: folder.appendingPathComponent("expected.txt"))
                .split(separator: 0x0A, omittingEmptySubsequences: false).dropLast()
            #expect(expected.count == lines.count)
            var differing = 0
            for (line, expected) in zip(lines, expected) {
                let (ids, spans) = tokenizer.tokenize(line)
                let found = Fixture.line(ids, spans)
                guard !found.utf8.elementsEqual(expected) || wrongByteOffsets(spans, in: line) > 0 else { continue }
                differing += 1
                if differing <= 5 {
                    let wanted = String(decoding: expected, as: UTF8.self)
                    Issue.record("\(name): \(line.debugDescription) gives \(found), not \(wanted)")
                }
            }
            #expect(differing == 0, "\(name): \(differing) of \(lines.count) lines differ")
        }
    }

    @Test("texts and pairs get the same special tokens, and are cut in the same places, longest first")
    func pairs() throws {
        let tokenizer = try Fixture.tinyTokenizer()
        for pair in try Fixture.hostile().pairs {
            let encoding = tokenizer.encode(
                TextInput(pair.first, pair: pair.second), tokensMax: pair.max,
                cutting: pair.side == "left" ? .left : .right)
            let offsets = encoding.spans.map { [$0.characterStart, $0.characterEnd] }
            #expect(encoding.ids == pair.ids, "\(pair)")
            #expect(encoding.typeIDs == pair.types, "\(pair)")
            #expect(offsets == pair.offsets, "\(pair)")
            #expect(encoding.tokensTotal >= encoding.ids.count)
        }
    }
}
