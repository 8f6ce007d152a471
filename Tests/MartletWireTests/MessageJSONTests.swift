import Foundation
import MartletCore
import MartletWire
import Testing

@Suite struct MessageJSONTests {
    let codec = MessageJSON.embedded

    struct Sample: Sendable {
        let name: String
        let wire: [UInt8]
        let json: [UInt8]
    }

    /// What Tools/fixtures/make_json_fixtures.py wrote.
    static func samples() throws -> [Sample] {
        let url = try #require(Bundle.module.resourceURL).appending(path: "Fixtures/json.txt")
        return try String(contentsOf: url, encoding: .utf8).split(separator: "\n").map { line in
            let parts = line.split(separator: " ", maxSplits: 2)
            try #require(parts.count == 3)
            let digits =
                parts[1] == "-" ? [] : parts[1].utf8.map { UInt8(Character(UnicodeScalar($0)).hexDigitValue ?? 0) }
            let wire = stride(from: 0, to: digits.count - 1, by: 2).map { digits[$0] << 4 | digits[$0 + 1] }
            return Sample(name: String(parts[0]), wire: wire, json: Array(parts[2].utf8))
        }
    }

    /// Numbers as values and members in order of their names: the same value has several texts.
    static func normal(_ value: JSONValue) -> JSONValue {
        switch value {
        case .number(let number): .double(Double(Float(number.text) ?? .nan))
        case .array(let elements): .array(elements.map(normal))
        case .object(let members):
            .object(members.map { .init($0.name, normal($0.value)) }.sorted { $0.name < $1.name })
        default: value
        }
    }

    func place(_ name: String) throws -> Int { try #require(codec.schema.message(named: name), "no message \(name)") }

    @Test func `what Python's protobuf writes as JSON is what is written here`() throws {
        let samples = try Self.samples()
        #expect(samples.count > 300)
        for sample in samples {
            let json = try codec.json(of: sample.wire, as: place(sample.name))
            #expect(
                Self.normal(try JSONValue(parsing: json)) == Self.normal(try JSONValue(parsing: sample.json)),
                "\(sample.name): \(String(decoding: json, as: UTF8.self))")
        }
    }

    @Test func `Python's JSON reads back as the message it came from`() throws {
        for sample in try Self.samples() {
            let place = try place(sample.name)
            let wire = try codec.wire(of: sample.json, as: place)
            let back = try JSONValue(parsing: try codec.json(of: wire, as: place))
            let expected = try JSONValue(parsing: try codec.json(of: sample.wire, as: place))
            // The entries of a map have no order.
            #expect(Self.normal(back) == Self.normal(expected), "\(sample.name)")
        }
    }

    @Test(arguments: [
        (#"{"model":{"name":"g"},"top_k":3}"#, #"{"model":{"name":"g"},"topK":3}"#),
        (#"{"model":null,"topK":null,"inputs":null}"#, "{}"),
        (#"{"topK":"3"}"#, #"{"topK":3}"#),
        (#"{"topK":3.0}"#, #"{"topK":3}"#),
        (#"{"topK":1e2}"#, #"{"topK":100}"#),
        (#"{"overflow":3}"#, #"{"overflow":"OVERFLOW_WINDOW"}"#),
        (#" { "topK" : 1 } "#, #"{"topK":1}"#),
        ("\u{FEFF}{}", "{}"),
        (#"{"inputs":[{"text":"\u00e9\ud83e\udd9c"}]}"#, #"{"inputs":[{"text":"é🦜"}]}"#),
    ])
    func `several spellings are one request`(_ one: String, _ other: String) throws {
        let place = try place("martlet.v1.ClassifyRequest")
        let first = try codec.json(of: codec.wire(of: Array(one.utf8), as: place), as: place)
        #expect(try first == codec.json(of: codec.wire(of: Array(other.utf8), as: place), as: place))
    }

    @Test func `zeros and empty lists are written, what is unset is not`() throws {
        let json = try codec.json(of: [], as: place("martlet.v1.ClassifyRequest"))
        #expect(
            String(decoding: json, as: UTF8.self)
                == #"{"inputs":[],"overflow":"OVERFLOW_ERROR","topK":0,"returnLogits":false}"#)
        #expect(try codec.json(of: [], as: place("martlet.v1.DocumentEvent")) == Array("{}".utf8))
    }

    @Test func `bytes are read in both alphabets and with or without padding`() throws {
        let place = try place("martlet.v1.DocumentChunk")
        let expected = try codec.wire(of: Array(#"{"data":"+/8="}"#.utf8), as: place)
        for text in ["-_8=", "-_8", "+/8"] {
            #expect(try codec.wire(of: Array(#"{"data":"\#(text)"}"#.utf8), as: place) == expected)
        }
        #expect(try codec.json(of: expected, as: place) == Array(#"{"data":"+/8="}"#.utf8))
    }

    static let refused: [(json: String, message: String)] = [
        ("", "the body is not valid JSON: it ends early, at byte 0"),
        ("[]", "the body must be an object"),
        ("null", "the body must be an object"),
        ("{", "the body is not valid JSON: it ends early, at byte 1"),
        ("{} x", "the body is not valid JSON: it goes on after its end, at byte 3"),
        (
            #"{"topk":1}"#,
            "topk is not a field of martlet.v1.ClassifyRequest; it has model, inputs, overflow, topK, returnLogits"
        ),
        (#"{"inputs":[{},{"pear":1}]}"#, "inputs[1].pear is not a field of martlet.v1.TextInput; it has text, pair"),
        (#"{"topK":1,"topK":2}"#, "topK is given twice"),
        (#"{"topK":1,"top_k":1}"#, "top_k is given twice"),
        (#"{"inputs":[{"text":"a"},{"text":"b","text":"c"}]}"#, "inputs[1].text is given twice"),
        (#"{"model":{"version":1,"label":"x"}}"#, "model.label is one of several of which only one may be given"),
        (#"{"inputs":[{"text":5}]}"#, "inputs[0].text must be a string"),
        (#"{"inputs":{}}"#, "inputs must be a list"),
        (#"{"inputs":[null]}"#, "inputs[0] must be an object"),
        (#"{"model":"guard"}"#, "model must be an object"),
        (#"{"returnLogits":1}"#, "returnLogits must be true or false"),
        (#"{"returnLogits":"true"}"#, "returnLogits must be true or false"),
        (#"{"topK":-1}"#, "topK must be an integer from 0 to 4294967295"),
        (#"{"topK":4294967296}"#, "topK must be an integer from 0 to 4294967295"),
        (#"{"topK":1.5}"#, "topK must be an integer from 0 to 4294967295"),
        (#"{"topK":1e400}"#, "topK must be an integer from 0 to 4294967295"),
        (#"{"topK":99999999999999999999999999}"#, "topK must be an integer from 0 to 4294967295"),
        (#"{"topK":"0x10"}"#, "topK must be an integer from 0 to 4294967295"),
        (#"{"topK":true}"#, "topK must be an integer from 0 to 4294967295"),
        (#"{"topK":NaN}"#, "the body is not valid JSON: it has an unexpected character, at byte 8"),
        (#"{"topK":01}"#, "the body is not valid JSON: it has a malformed number, at byte 10"),
        (
            #"{"overflow":"WINDOW"}"#,
            "overflow must be one of OVERFLOW_ERROR, OVERFLOW_TRUNCATE_RIGHT, OVERFLOW_TRUNCATE_LEFT, OVERFLOW_WINDOW"
        ),
        (#"{"inputs":[{"text":"\ud800"}]}"#, "the body is not valid JSON: it has half a surrogate pair, at byte 26"),
    ]

    @Test(arguments: refused)
    func `what is wrong is refused and its place named`(_ json: String, _ message: String) throws {
        let place = try place("martlet.v1.ClassifyRequest")
        let error = #expect(throws: MartletError.self) { _ = try codec.wire(of: Array(json.utf8), as: place) }
        #expect(error?.code == .invalidArgument)
        #expect(error?.message == message)
    }

    @Test func `floats beyond their range are refused, and what JSON has no number for comes as text`() throws {
        let place = try place("martlet.v1.DocumentOptions")
        for text in ["1e39", "\"1e39\"", "\"nan\"", "\"0x1p3\"", "\"\"", "\" 1\""] {
            #expect(throws: MartletError.self) {
                _ = try codec.wire(of: Array(#"{"minConfidence":\#(text)}"#.utf8), as: place)
            }
        }
        for text in ["NaN", "Infinity", "-Infinity"] {
            let wire = try codec.wire(of: Array(#"{"minConfidence":"\#(text)"}"#.utf8), as: place)
            let json = String(decoding: try codec.json(of: wire, as: place), as: UTF8.self)
            #expect(json.contains(#""minConfidence":"\#(text)""#))
        }
    }

    @Test func `a text that is not UTF-8 is refused both ways`() throws {
        let place = try place("martlet.v1.TextInput")
        #expect(throws: MartletError.self) {
            _ = try codec.wire(of: Array(#"{"text":""#.utf8) + [0xC3, 0x28] + Array(#""}"#.utf8), as: place)
        }
        #expect(throws: MartletError.self) { _ = try codec.json(of: [0x0A, 0x02, 0xC3, 0x28], as: place) }
    }

    @Test func `nesting is bounded`() throws {
        let json = Array((String(repeating: #"{"model":"#, count: 100_000)).utf8)
        #expect(throws: MartletError.self) { _ = try codec.wire(of: json, as: place("martlet.v1.ClassifyRequest")) }
        let lists = Array((#"{"inputs":"# + String(repeating: "[", count: 100_000)).utf8)
        #expect(throws: MartletError.self) { _ = try codec.wire(of: lists, as: place("martlet.v1.ClassifyRequest")) }
    }

    @Test func `fields in any order, in parts and of later versions are read as protobuf reads them`() throws {
        let place = try place("martlet.v1.ClassifyRequest")
        // top_k = 1, an unknown field 99, model in two parts, top_k = 2.
        let wire: [UInt8] = [0x20, 1, 0x98, 0x06, 5, 0x0A, 3, 0x0A, 1, 0x67, 0x0A, 2, 0x10, 4, 0x20, 2]
        #expect(
            String(decoding: try codec.json(of: wire, as: place), as: UTF8.self)
                == #"{"model":{"name":"g","version":4},"inputs":[],"overflow":"OVERFLOW_ERROR","topK":2,"#
                + #""returnLogits":false}"#
        )
        // Of a oneof the last member counts.
        let reference = try self.place("martlet.v1.ModelReference")
        #expect(
            try codec.json(of: [0x10, 4, 0x1A, 1, 0x78], as: reference) == Array(#"{"name":"","label":"x"}"#.utf8))
    }

    @Test func `every cut of a message is refused or read, never a trap`() throws {
        for sample in try Self.samples() where sample.wire.count < 200 {
            let place = try place(sample.name)
            for length in 0..<sample.wire.count {
                _ = try? codec.json(of: Array(sample.wire.prefix(length)), as: place)
            }
            for length in 0..<min(200, sample.json.count) {
                _ = try? codec.wire(of: Array(sample.json.prefix(length)), as: place)
            }
        }
    }

    @Test(
        arguments: [
            ([("name", "guard")], #"{"name":"guard"}"#),
            ([("model", "guard@3"), ("windowTokens", "64"), ("omit_windows", "true")], ""),
        ] as [([(String, String)], String)])
    func `pairs of a query are fields`(_ pairs: [(String, String)], _ json: String) throws {
        let name = json.isEmpty ? "martlet.v1.DocumentOptions" : "martlet.v1.ListModelsRequest"
        let expected =
            json.isEmpty ? #"{"model":{"name":"guard","version":3},"windowTokens":64,"omitWindows":true}"# : json
        let place = try place(name)
        #expect(
            try codec.wire(ofTexts: pairs.map { (name: $0.0, value: $0.1) }, as: place)
                == codec.wire(of: Array(expected.utf8), as: place))
    }

    @Test(
        arguments: [
            [("nothing", "1")], [("windowTokens", "x")], [("windowTokens", "1"), ("windowTokens", "2")],
            [("omitWindows", "maybe")], [("model", "")], [("model.name.x", "1")], [("aggregation", "MOST")],
            [("", "1")], [(".", "1")],
        ] as [[(String, String)]])
    func `pairs that are no fields are refused`(_ pairs: [(String, String)]) throws {
        #expect(throws: MartletError.self) {
            _ = try codec.wire(
                ofTexts: pairs.map { (name: $0.0, value: $0.1) }, as: place("martlet.v1.DocumentOptions"))
        }
    }

    @Test(
        "an integer may be written with a fraction of zero or an exponent, as JSON Schema has it",
        arguments: [
            ("7", 7), ("7.0", 7), ("7e2", 700), ("-0.0", 0), ("9007199254740993", 9_007_199_254_740_993), ("7.5", nil),
            ("9007199254740993.0e1", nil), ("1e400", nil), ("99999999999999999999", nil),
        ] as [(String, Int?)])
    func integers(text: String, value: Int?) throws {
        guard case .number(let number) = try JSONValue(parsing: Array(text.utf8)) else {
            throw MartletError(.notFound, text)
        }
        #expect(number.integer == value)
    }
}
