import Foundation
import MartletArtifact
import MartletCore
import Testing

@Suite("Manifest")
struct ManifestTests {
    let tiny: TinyArtifact

    init() throws { tiny = try TinyArtifact() }

    struct Lie: CustomTestStringConvertible, Sendable {
        let reason: String
        let tell: @Sendable (inout Manifest) -> Void
        var testDescription: String { reason }

        init(_ reason: String, _ tell: @escaping @Sendable (inout Manifest) -> Void) {
            self.reason = reason
            self.tell = tell
        }
    }

    static let lies: [Lie] = [
        Lie("has format 2, this program reads 1") { $0.format = 2 },
        Lie("architecture is 'llama'") { $0.architecture = "llama" },
        Lie("task is 'translation'") { $0.task = "translation" },
        Lie("it needs pooling and normalize, and no problemType") { $0.task = "feature-extraction" },
        Lie("it needs problemType, and neither pooling nor normalize") { $0.pooling = .mean },
        Lie("it needs problemType, and neither pooling nor normalize") { $0.problemType = nil },
        Lie("and the configuration has 0 labels") { $0.configuration.labels = 0 },
        Lie("and the configuration has 2 labels") { $0.becomeEmbedder() },
        Lie("it has neither positiveLabel nor documentAggregation") { manifest in
            manifest.becomeEmbedder()
            manifest.configuration.labels = 0
        },
        Lie("the quality receipt is none of a text-classification model") { $0.receipt?.answers = nil },
        Lie("the quality receipt is none of a feature-extraction model") { manifest in
            manifest.becomeEmbedder()
            manifest.configuration.labels = 0
            manifest.positiveLabel = nil
            manifest.documentAggregation = nil
        },
        Lie("name '../x' is no model name") { $0.name = "../x" },
        Lie("version is 0") { $0.version = 0 },
        Lie("has 1 class labels, the head has 2 outputs") { $0.classLabels = ["SAFE"] },
        Lie("class label 1 is empty") { $0.classLabels = ["SAFE", ""] },
        Lie("a class label stands twice") { $0.classLabels = ["SAFE", "SAFE"] },
        Lie("positiveLabel 'BAD' is not a class label") { $0.positiveLabel = "BAD" },
        Lie("documentAggregation is 'modelDefault'") { $0.documentAggregation = "modelDefault" },
        Lie("tokenizer kind is 'unigram'") { $0.tokenizer.kind = "unigram" },
        Lie("the tokenizer has 13 ids, the encoder 12 rows") { $0.tokenizer.vocabularySize = 13 },
        Lie("an int8 version needs a quality receipt") { $0.receipt = nil },
        Lie("configuration.hiddenSize is -8") { $0.configuration.hiddenSize = -8 },
        Lie("configuration.hiddenSize is 9223372036854775807") { $0.configuration.hiddenSize = .max },
        Lie("configuration.layers is 0") { $0.configuration.layers = 0 },
        Lie("configuration.vocabularySize is 1000000000") { $0.configuration.vocabularySize = 1_000_000_000 },
        Lie("hiddenSize 8 is no multiple of heads 3") { $0.configuration.heads = 3 },
        Lie("layerNormEpsilon is 0.0") { $0.configuration.layerNormEpsilon = 0 },
        Lie("does not list golden.json") { $0.files.removeAll { $0.name == "golden.json" } },
        Lie("lists a file '../../etc/passwd'") { $0.files[0].name = "../../etc/passwd" },
        Lie("lists a file '/etc/passwd'") { $0.files[0].name = "/etc/passwd" },
        Lie("lists a file '.hidden'") { $0.files[0].name = ".hidden" },
        Lie("lists a file 'caf\u{E9}'") { $0.files[0].name = "caf\u{E9}" },
        Lie("lists a file 'cafe\u{301}'") { $0.files[0].name = "cafe\u{301}" },
        Lie("lists a file 'a?b'") { $0.files[0].name = "a\nb" },
        Lie("twice, or once in other case") { $0.files.append($0.files[0]) },
        Lie("twice, or once in other case") { $0.files[0].name = "Manifest.JSON" },
        Lie("is not 64 lower-case hex digits") { $0.files[0].sha256 = String($0.files[0].sha256.dropLast()) },
        Lie("is not 64 lower-case hex digits") { $0.files[0].sha256 = $0.files[0].sha256.uppercased() },
        Lie("has -1 bytes") { $0.files[0].bytes = -1 },
        Lie("has 9223372036854775807 bytes") { $0.files[0].bytes = .max },
        Lie("lists 65 files, the limit is 64") { manifest in
            for index in 0..<62 {
                manifest.files.append(.init(name: "f\(index)", bytes: 0, sha256: manifest.files[0].sha256))
            }
        },
    ]

    @Test("refuses each lie with its own reason, though checksums are right", arguments: lies)
    func refuses(lie: Lie) throws {
        let folder = try tiny.published()
        try folder.editManifest(lie.tell)
        let error = try #require(refusal(folder))
        #expect(error.message.hasPrefix("manifest.json: "))
        #expect(error.message.contains(lie.reason), "\(error.message)")
    }

    @Test("refuses a size that is not the file's before reading the file")
    func wrongSize() throws {
        let folder = try tiny.published()
        try folder.editManifest { $0.files[0].bytes += 1 }
        let error = try #require(refusal(folder))
        #expect(error.message.contains("bytes, the manifest says"))
    }

    @Test("reads a version that was made before receipts told the scheme and the embeddings' cosines")
    func olderReceipt() throws {
        let younger = ["scheme", "minEmbeddingCosine", "meanEmbeddingCosine"].map { "\"\($0)\"" }
        let folder = try tiny.published()
        let text = String(decoding: try folder.bytes("manifest.json"), as: UTF8.self)
        #expect(younger.allSatisfy(text.contains))
        try folder.editManifest { manifest in
            manifest.receipt?.scheme = nil
            manifest.receipt?.minEmbeddingCosine = nil
            manifest.receipt?.meanEmbeddingCosine = nil
        }
        let older = String(decoding: try folder.bytes("manifest.json"), as: UTF8.self)
        #expect(!younger.contains(where: older.contains))
        let artifact = try ArtifactReader().read(folder: folder.path)
        let receipt = try #require(artifact.manifest.receipt)
        #expect(receipt.passes && receipt.scheme == nil && receipt.minEmbeddingCosine == nil)
        #expect(ArtifactInspection(artifact).text().contains("gate 99.00 %"))
    }

    @Test("refuses a manifest edited by hand")
    func editedByHand() throws {
        let folder = try tiny.published()
        let text = String(decoding: try folder.bytes("manifest.json"), as: UTF8.self)
        try folder.put("manifest.json", Array(text.replacingOccurrences(of: "Apache-2.0", with: "Apache-3.0").utf8))
        #expect(try #require(refusal(folder)).message.contains("it was changed or damaged"))
    }

    @Test("refuses nesting bombs, repeated keys, huge files and what is not JSON", arguments: [
        (String(repeating: "[", count: 1 << 20), "nests deeper than 32 levels"),
        (String(repeating: "{\"a\":", count: 1 << 16), "nests deeper than 32 levels"),
        ("{\"format\": 1, \"format\": 2}", "has the key 'format' twice"),
        ("{\"for\\u006dat\": 1}", "with an escape in it"),
        ("", "is not JSON"), ("\0\0\0", "is not JSON"), ("{\"a", "has no end"), ("]", "what it never opened"),
        ("{}", "the field"), ("{\"format\": \"one\"}", "has another type"), ("[1]", "another type"),
        (String(repeating: " ", count: 9 << 20), "the limit is 8388608"),
    ])
    func refusesBombs(text: String, reason: String) throws {
        let folder = try tiny.published()
        try folder.put("manifest.json", Array(text.utf8))
        let error = try #require(refusal(folder))
        #expect(error.message.hasPrefix("manifest.json: "))
        #expect(error.message.contains(reason), "\(error.message)")
    }

    @Test("a receipt is one flat object, as it was before there were models without answers")
    func flatReceipt() throws {
        let receipt = try #require(TinyArtifact.draft().manifest.receipt)
        let json = try JSONSerialization.jsonObject(with: JSONEncoder().encode(receipt)) as? [String: Any]
        #expect(json?["labelAgreement"] as? Double == 1 && json?["sentences"] as? Int == 3 && json?["answers"] == nil)
        #expect(try JSONDecoder().decode(QualityReceipt.self, from: JSONEncoder().encode(receipt)) == receipt)
        let vectors = QualityReceipt(
            sentences: 3, minEmbeddingCosine: 0.99, meanEmbeddingCosine: 0.999, smoothing: 0, gate: 0.995)
        #expect(try JSONDecoder().decode(QualityReceipt.self, from: JSONEncoder().encode(vectors)) == vectors)
        #expect(!vectors.passes && receipt.passes)
    }

    @Test("writes the same bytes for the same content")
    func canonical() throws {
        let folder = try tiny.published()
        let before = try folder.bytes("manifest.json")
        try folder.editManifest { _ in }
        #expect(try folder.bytes("manifest.json") == before)
        #expect(before.last == UInt8(ascii: "\n"))
    }

    // MARK: golden.json

    @Test("refuses golden examples that do not fit the model", arguments: [
        ("{\"examples\": []}", "has no examples"),
        (
            "{\"examples\": [{\"text\":\"\",\"vector\":[1,2],\"floatVector\":[1,2],\"tokens\":[1]}]}",
            "none of a text-classification"
        ),
        ("{\"examples\": [{\"text\":\"\",\"logits\":[1],\"floatLogits\":[1,2],\"tokens\":[1]}]}", "has 1 and 2 logits"),
        ("{\"examples\": [{\"text\":\"\",\"logits\":[1,2],\"floatLogits\":[1,2],\"tokens\":[12]}]}", "token id 12"),
        ("{\"examples\": [{\"text\":\"\",\"logits\":[1,2],\"floatLogits\":[1,2],\"tokens\":[-1]}]}", "token id -1"),
        ("{\"examples\": [{\"text\":\"\",\"logits\":[1,2],\"floatLogits\":[1,2],\"tokens\":[]}]}", "has 0 tokens"),
        ("{\"examples\": [{\"text\":\"\",\"logits\":[1,1e999],\"floatLogits\":[1,2],\"tokens\":[1]}]}", "golden.json"),
    ])
    func refusesGolden(text: String, reason: String) throws {
        let folder = try tiny.published()
        try folder.replace("golden.json", Array(text.utf8))
        let error = try #require(refusal(folder))
        #expect(error.message.hasPrefix("golden.json: "))
        #expect(error.message.contains(reason), "\(error.message)")
    }
}

extension Manifest {
    /// Takes on the fields of a model that gives vectors.
    fileprivate mutating func becomeEmbedder() {
        task = ModelTask.embedding.rawValue
        problemType = nil
        pooling = .mean
        normalize = true
        classLabels = []
    }
}
