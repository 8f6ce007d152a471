import Foundation
import MartletCore
import MartletText

/// What Tools/fixtures/make_text_fixtures.py wrote: the answers of Hugging Face `tokenizers`.
enum Fixture {
    struct Normalizer: Decodable {
        let clean_text: Bool
        let handle_chinese_chars: Bool
        let strip_accents: Bool?
        let lowercase: Bool

        /// As it stands in a tokenizer.json.
        var json: String {
            let strips = strip_accents.map { "\($0)" } ?? "null"
            return """
                {"type": "BertNormalizer", "clean_text": \(clean_text), \
                "handle_chinese_chars": \(handle_chinese_chars), "strip_accents": \(strips), "lowercase": \(lowercase)}
                """
        }
    }

    struct Hostile: Decodable {
        struct Configuration: Decodable {
            let name: String
            let normalizer: Normalizer
            let expected: [String]
        }
        struct Pair: Decodable {
            let first: String
            let second: String?
            let side: String
            let max: Int
            let ids: [Int32]
            let types: [Int32]
            let offsets: [[Int]]
        }
        let texts: [String]
        let configurations: [Configuration]
        let pairs: [Pair]
    }

    struct EveryScalar: Decodable {
        let name: String
        let normalizer: Normalizer
        let crc32: [UInt32]
    }

    static func hostile() throws -> Hostile { try decode("hostile.json") }
    static func everyScalar() throws -> [EveryScalar] { try decode("every-scalar.json") }

    /// The small tokenizer of the hostile list, with another normalizer where one is given.
    static func tinyTokenizerJSON(_ normalizer: Normalizer? = nil) throws -> [UInt8] {
        let json = String(decoding: try data("tiny-tokenizer.json"), as: UTF8.self)
        // Not by Foundation's JSON: its dictionaries drop pieces that Unicode calls equivalent.
        guard let normalizer, let start = json.range(of: "\"normalizer\": {"),
            let end = json[start.upperBound...].firstIndex(of: "}")
        else { return Array(json.utf8) }
        return Array(
            (json[..<start.lowerBound] + "\"normalizer\": \(normalizer.json)" + json[json.index(after: end)...]).utf8)
    }

    static func tinyTokenizer() throws -> BertTokenizer { try BertTokenizer(tokenizerJSON: tinyTokenizerJSON()) }

    /// The folder of fixtures that are made on this machine and never committed; nil when the variable is unset.
    static let madeHere: URL? = ProcessInfo.processInfo.environment["MARTLET_FIXTURES"].map {
        URL(fileURLWithPath: $0).appendingPathComponent("text")
    }

    /// Ids, a bar, character offsets: the form of the expected lines.
    static func line(_ ids: [Int32], _ spans: [TextSpan]) -> String {
        ids.map(String.init).joined(separator: " ") + "|"
            + spans.map { "\($0.characterStart),\($0.characterEnd)" }.joined(separator: " ")
    }

    private static func decode<Value: Decodable>(_ name: String) throws -> Value {
        try JSONDecoder().decode(Value.self, from: data(name))
    }

    private static func data(_ name: String) throws -> Data {
        guard let folder = Bundle.module.resourceURL else { throw MartletError(.notFound, "no resources") }
        return try Data(contentsOf: folder.appendingPathComponent("Fixtures").appendingPathComponent(name))
    }
}

/// Byte offsets that do not agree with the character offsets in `text`.
func wrongByteOffsets(_ spans: [TextSpan], in text: String) -> Int {
    var byteOfCharacter: [Int] = []
    var byte = 0
    for scalar in text.unicodeScalars {
        byteOfCharacter.append(byte)
        byte += UTF8.width(scalar)
    }
    byteOfCharacter.append(byte)
    return spans.filter {
        byteOfCharacter[$0.characterStart] != $0.byteStart || byteOfCharacter[$0.characterEnd] != $0.byteEnd
    }.count
}
