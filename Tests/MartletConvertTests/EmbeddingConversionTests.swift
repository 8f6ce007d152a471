import Foundation
import MartletArtifact
import MartletConvert
import MartletCore
import MartletEncoder
import MartletTestSupport
import MartletText
import Testing

@Suite("Converting an encoder for its vectors")
struct EmbeddingConversionTests: FolderConversion {
    let workspace: Workspace

    init() throws { workspace = try Workspace() }

    private struct Expected: Decodable {
        var text: String
        var pair: String?
        var mean: [Float]
        var cls: [Float]
    }

    /// The tiny classifier, whose config says what it is.
    private func tinyBert(architecture: String?) throws -> URL {
        let fixtures = try #require(Bundle.module.resourceURL).appendingPathComponent("Fixtures")
        let folder = root.appendingPathComponent(UUID().uuidString)
        try FileManager.default.copyItem(at: fixtures.appendingPathComponent("tiny-bert"), to: folder)
        let config = folder.appendingPathComponent("config.json")
        let old = "\"BertForSequenceClassification\""
        let text = try String(contentsOf: config, encoding: .utf8)
        #expect(text.contains(old))
        let new = architecture.map { "\"\($0)\"" } ?? ""
        try Data(text.replacingOccurrences(of: old, with: new).utf8).write(to: config)
        return folder
    }

    private func put(_ json: String, _ name: String, in folder: URL) throws {
        let file = folder.appendingPathComponent(name)
        try FileManager.default.createDirectory(
            at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(json.utf8).write(to: file)
    }

    @Test("gives the pooled rows of an independent implementation, as golden answers too", arguments: Pooling.allCases)
    func agreesWithReference(pooling: Pooling) throws {
        let folder = try tinyBert(architecture: "BertModel")
        let (report, artifact) = try convert(folder) {
            $0.precision = .float32
            $0.pooling = pooling
        }
        #expect(artifact.manifest.task == "feature-extraction" && artifact.manifest.pooling == pooling)
        #expect(artifact.manifest.normalize == true && artifact.manifest.problemType == nil)
        #expect(Set(report.ignoredTensors).isSuperset(of: ["classifier.weight", "pooler.dense.bias"]))
        #expect(artifact.tensors.tensor(named: "pooler.dense.weight") == nil)
        #expect(artifact.golden.allSatisfy { $0.isVector && $0.answer.count == 16 })
        let cases = try JSONDecoder().decode(
            [Expected].self, from: Data(contentsOf: folder.appendingPathComponent("expected.json")))
        let tokenizer = try BertTokenizer(tokenizerJSON: artifact.tokenizerJSON)
        let runner = try EncoderRunner(artifact.manifest.configuration, artifact.tensors)
        for expected in cases {
            let encoding = tokenizer.encode(TextInput(expected.text, pair: expected.pair))
            let actual = try runner.run(encoding, output: EncoderOutput(pooling))
            for (value, wanted) in zip(actual, pooling == .mean ? expected.mean : expected.cls) {
                #expect(abs(value - wanted) < 1e-4)
            }
        }
    }

    @Test("states the cosine of its own pooling in the receipt, and what the folder says about pooling", arguments: [
        ("mean_tokens", Pooling.mean), ("cls_token", .cls),
    ])
    func quantises(mode: String, pooling: Pooling) throws {
        let source = root.appendingPathComponent("source")
        var model = TinyModelFolder(seed: 5)
        model.pooling = mode
        try model.write(to: source)
        let (report, artifact) = try convert(source)
        let receipt = try #require(report.receipt)
        #expect(receipt == artifact.manifest.receipt && receipt.answers == nil && receipt.sentences > 100)
        #expect(try #require(receipt.meanEmbeddingCosine) > 0.998)
        #expect(receipt.gated == receipt.minEmbeddingCosine && receipt.gate == 0.995)
        #expect(artifact.manifest.pooling == pooling && report.taskSummary.contains("\(pooling.rawValue) pooling"))
        for example in artifact.golden {
            for (int8, float) in zip(example.answer, example.floatAnswer) { #expect(abs(int8 - float) < 0.3) }
        }
        for level in KernelTable.runnableHere {
            #expect(try GoldenCheck.run(artifact, kernels: .best(atMost: level)).maxDifference == 0)
        }
        #expect(ArtifactInspection(artifact).text().contains("cosine to floats on \(receipt.sentences) texts"))
        #expect(refusal(source) {
            $0.force = false
            $0.gate = 1.01
        }.contains("int8 turns vectors too far: the lowest cosine"))
    }

    @Test("a changed weight is noticed by the golden vectors")
    func golden() throws {
        let source = root.appendingPathComponent("source")
        var model = TinyModelFolder(seed: 6)
        model.pooling = "mean_tokens"
        try model.write(to: source)
        let artifact = try convert(source).artifact
        var wrong = TensorList()
        for entry in artifact.weights.table.entries {
            if let tensor = artifact.tensors.tensor(named: entry.name) { wrong.set(tensor) }
        }
        let name = "encoder.layer.1.output.LayerNorm.bias"
        var bias = try #require(artifact.tensors.tensor(named: name)).floats.map { $0 }
        bias[7] += 0.1
        wrong.set(name, [bias.count], bias)
        var manifest = artifact.manifest
        manifest.files = []
        let draft = ArtifactDraft(
            manifest: manifest, tensors: wrong.tensors, tokenizerJSON: artifact.tokenizerJSON, golden: artifact.golden)
        let published = try ArtifactWriter().publish(draft, to: models, name: "wrong")
        let changed = try ArtifactReader().read(folder: "\(models)/\(published.id)")
        let error = #expect(throws: MartletError.self) { try GoldenCheck.run(changed) }
        #expect(error?.message.contains("value 7 is") == true)
    }

    @Test("takes the task from architectures unless told, and a folder without them for a classifier")
    func task() throws {
        #expect(try convert(tinyBert(architecture: nil)).artifact.manifest.task == "text-classification")
        let masked = try tinyBert(architecture: "BertForMaskedLM")
        #expect(refusal(masked).contains("architectures is 'BertForMaskedLM'"))
        #expect(refusal(masked).contains("--task text-classification or feature-extraction"))
        #expect(try convert(masked) { $0.task = .embedding }.artifact.manifest.pooling == .mean)
        let encoder = try tinyBert(architecture: "BertModel")
        #expect(try convert(encoder) { $0.task = .classification }.artifact.manifest.classLabels.count == 3)
    }

    @Test("refuses a pipeline that a version cannot have, and options of the other task")
    func refuses() throws {
        let folder = try tinyBert(architecture: "BertModel")
        let file = "1_Pooling/config.json"
        for (json, words) in [
            ("{\"pooling_mode_max_tokens\": true, \"pooling_mode_mean_tokens\": false}", "pools by max_tokens"),
            ("{\"pooling_mode_cls_token\": true, \"pooling_mode_mean_tokens\": true}", "cls_token and mean_tokens"),
            ("{\"word_embedding_dimension\": 16}", "pools by nothing"),
            ("{\"pooling_mode_cls_token\": 1}", file),
        ] {
            try put(json, file, in: folder)
            #expect(refusal(folder).contains(words), "\(refusal(folder))")
        }
        #expect(try convert(folder) { $0.pooling = .cls }.artifact.manifest.pooling == .cls)

        func modules(_ steps: [(String, String)]) throws {
            let list = steps.map { "{\"path\": \"\($0)\", \"type\": \"sentence_transformers.models.\($1)\"}" }
            try put("[\(list.joined(separator: ", "))]", "modules.json", in: folder)
        }
        try modules([("", "Transformer"), ("1_Pooling", "Pooling"), ("2_Dense", "Dense")])
        #expect(refusal(folder).contains("has a step 'Dense'"))
        try modules([("", "Transformer"), ("../1_Pooling", "Pooling")])
        #expect(refusal(folder).contains("that is not a plain name"))
        try put("{\"pooling_mode_cls_token\": true}", file, in: folder)
        try modules([("", "Transformer"), ("1_Pooling", "Pooling")])
        let manifest = try convert(folder).artifact.manifest
        #expect(manifest.normalize == false && manifest.pooling == .cls)

        #expect(refusal(folder) { $0.positiveLabel = "yes" }.contains("has no labels"))
        #expect(refusal(folder) { $0.documentAggregation = .max }.contains("has no labels"))
        let classifier = try tinyBert(architecture: "BertForSequenceClassification")
        #expect(refusal(classifier) { $0.pooling = .mean }.contains("has no pooling to choose"))
        #expect(refusal(classifier) {
            $0.head = SourceFolder(classifier.path)
            $0.task = .embedding
        }.contains("a head belongs to a classifier"))
    }
}
