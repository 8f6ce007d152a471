import Foundation
import MartletArtifact
import MartletCore
import MartletTestSupport

/// A version of a few kilobytes in a folder of its own, which goes when the value's owner does.
final class TinyArtifact {
    static let configuration = EncoderConfiguration(
        hiddenSize: 8, layers: 1, heads: 2, intermediateSize: 16, vocabularySize: 12, maxPositions: 10, tokenTypes: 2,
        layerNormEpsilon: 1e-12, activation: .gelu, labels: 2)

    let root: URL
    let model = "tiny"

    init() throws {
        root = FileManager.default.temporaryDirectory.appendingPathComponent("martlet-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: root, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(at: root) }

    /// Publishes version 1 and returns its folder.
    func published(_ precision: Precision = .int8) throws -> URL {
        try ArtifactWriter().publish(Self.draft(precision), to: root.path, name: model, version: 1)
        return folder(1)
    }

    func folder(_ version: Int) -> URL { root.appendingPathComponent(model).appendingPathComponent("\(version)") }

    static func draft(_ precision: Precision = .int8, seed: UInt64 = 1) -> ArtifactDraft {
        var manifest = Manifest(
            configuration: configuration,
            kind: .classifier(
                labels: ["SAFE", "INJECTION"], .singleLabel, positiveLabel: "INJECTION", documentAggregation: .max),
            tokenizer: Manifest.Tokenizer(lowercase: true, vocabularySize: 12), precision: precision,
            licence: "Apache-2.0", source: "a test", createdBy: "martlet test")
        if precision == .int8 {
            manifest.receipt = QualityReceipt(
                sentences: 3,
                answers: AnswerQuality(
                    labelAgreement: 1, clearSentences: 3, clearAgreement: 1, maxScoreDrift: 0.01, minLogitCosine: 0.99,
                    meanLogitCosine: 0.999, minPooledCosine: 0.99, meanPooledCosine: 0.999),
                minEmbeddingCosine: 0.998, meanEmbeddingCosine: 0.9995, smoothing: 0.65,
                scheme: Int8Scheme(queryKeyValue: 0.65, attentionOutput: 0.5), gate: 0.99)
        }
        let golden = [
            GoldenExample(text: "hello", answer: [0.5, -0.25], floatAnswer: [0.5, -0.125], tokens: [2, 5, 3]),
            GoldenExample(
                text: "na\u{EF}ve", pair: "b", answer: [1, 2], floatAnswer: [1, 2.5], tokens: [2, 6, 3, 7, 3]),
        ]
        return ArtifactDraft(
            manifest: manifest, tensors: tensors(precision, seed: seed).tensors,
            tokenizerJSON: Array("{\"not\": \"looked at\"}".utf8), golden: golden)
    }

    /// Every tensor the configuration needs, with seeded values.
    static func tensors(_ precision: Precision, seed: UInt64) -> TensorList {
        var random = SeededGenerator(seed: seed)
        var list = TensorList()
        for expected in TensorPlan(configuration, precision: precision).tensors
        where !expected.isOptional || expected.name == "embeddings.word_embeddings.weight.scale" {
            let count = expected.shape.reduce(1, *)
            if expected.elementTypes.contains(.int8) {
                let values = (0..<count).map { _ in Int8.random(in: -127...127, using: &random) }
                list.set(expected.name, expected.shape, values)
            } else {
                let isScale = expected.name.hasSuffix(".scale")
                list.set(
                    expected.name, expected.shape,
                    (0..<count).map { _ in isScale ? 0.01 + abs(random.normal()) : random.normal() })
            }
        }
        return list
    }
}

extension URL {
    func bytes(_ name: String) throws -> [UInt8] { Array(try Data(contentsOf: appendingPathComponent(name))) }

    func put(_ name: String, _ bytes: [UInt8]) throws { try Data(bytes).write(to: appendingPathComponent(name)) }

    /// Changes a file and corrects the manifest's entry and checksum, so that only the content itself can be refused.
    func replace(_ name: String, _ bytes: [UInt8]) throws {
        try put(name, bytes)
        try editManifest { manifest in
            for index in manifest.files.indices where manifest.files[index].name == name {
                manifest.files[index].bytes = bytes.count
                manifest.files[index].sha256 = sha256(bytes)
            }
        }
    }

    /// Changes the manifest and corrects its checksum.
    func editManifest(_ edit: (inout Manifest) -> Void) throws {
        var manifest = try JSONDecoder().decode(Manifest.self, from: Data(try bytes(Manifest.fileName)))
        edit(&manifest)
        try put(Manifest.fileName, try manifest.encoded())
    }
}

/// The error of reading `folder`; nil when it is read.
func refusal(_ folder: URL, limits: Limits = Limits()) -> MartletError? {
    do throws(MartletError) {
        _ = try ArtifactReader(limits: limits).read(folder: folder.path)
        return nil
    } catch {
        return error
    }
}
