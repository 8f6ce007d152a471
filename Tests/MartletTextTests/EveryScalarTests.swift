import MartletCore
import MartletText
import Testing

/// Every Unicode scalar value, in a text that shows how it is cleaned, split, decomposed, stripped, lowered and
/// reordered. The digests are those of `tokenizers`, one for each 4096 scalar values.
@Suite("Every Unicode scalar value is read as Hugging Face tokenizers 0.23.3 reads it")
struct EveryScalarTests {
    @Test("in configuration", arguments: 0..<5)
    func everyScalar(number: Int) throws {
        let configuration = try Fixture.everyScalar()[number]
        let tokenizer = try BertTokenizer(tokenizerJSON: Self.tokenizerJSON(configuration.normalizer))
        let before = Array("qqa".utf8)
        for (block, expected) in configuration.crc32.enumerated() {
            var digest = CRC32()
            for value in UInt32(block) * 4096..<UInt32(block + 1) * 4096 {
                guard let scalar = Unicode.Scalar(value), let char = UTF8.encode(scalar).map(Array.init) else {
                    continue
                }
                // The text that every_scalar_text of make_text_fixtures.py builds.
                var text = before + char + Array("bqq a".utf8) + char + Array("b ".utf8) + char + Array(" a".utf8)
                text += char + Array("\u{1B44} a\u{302E}".utf8) + char
                let (ids, spans) = tokenizer.tokenize(String(decoding: text, as: UTF8.self))
                ids.forEach { digest.add($0) }
                for span in spans {
                    digest.add(Int32(span.characterStart))
                    digest.add(Int32(span.characterEnd))
                }
            }
            let start = String(block * 4096, radix: 16)
            #expect(digest.value == expected, "\(configuration.name): from U+\(start) on")
        }
    }

    /// A piece for every scalar value, for starts and continuations alike.
    private static func tokenizerJSON(_ normalizer: Fixture.Normalizer) -> [UInt8] {
        var json = Array(
            """
            {"added_tokens": [], "normalizer": \(normalizer.json), "pre_tokenizer": {"type": "BertPreTokenizer"},
            "post_processor": {"type": "BertProcessing", "sep": ["[SEP]", 2], "cls": ["[CLS]", 1]},
            "model": {"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "",
            "max_input_chars_per_word": 4, "vocab": {"[UNK]": 0, "[CLS]": 1, "[SEP]": 2, "ab": 3
            """.utf8)
        var id = 4
        for value in UInt32(0)..<0x110000 {
            guard let scalar = Unicode.Scalar(value), let char = UTF8.encode(scalar) else { continue }
            json += Array(",\"".utf8)
            switch value {
            case 0..<0x20, 0x22, 0x5C:
                json += Array("\\u00".utf8) + Array((value < 16 ? "0" : "").utf8) + Array(String(value, radix: 16).utf8)
            default: json += char
            }
            json += Array("\":\(id)".utf8)
            id += 1
        }
        return json + Array("}}}".utf8)
    }
}

/// The checksum of zlib over little-endian 32-bit numbers.
private struct CRC32 {
    private static let table: [UInt32] = (0..<256).map { index in
        (0..<8).reduce(UInt32(index)) { value, _ in value & 1 == 1 ? value >> 1 ^ 0xEDB8_8320 : value >> 1 }
    }
    private var state = UInt32.max
    var value: UInt32 { ~state }

    mutating func add(_ number: Int32) {
        var rest = UInt32(bitPattern: number)
        for _ in 0..<4 {
            state = state >> 8 ^ Self.table[Int((state ^ rest) & 0xFF)]
            rest >>= 8
        }
    }
}
