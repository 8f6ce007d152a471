import Foundation
import MartletArtifact
import MartletConvert
import MartletCore
import MartletEncoder
import MartletTestSupport
import MartletText
import Testing

@Suite("Converter")
struct ConverterTests: FolderConversion {
    let workspace: Workspace
    let fixtures: URL

    init() throws {
        workspace = try Workspace()
        fixtures = try #require(Bundle.module.resourceURL).appendingPathComponent("Fixtures")
    }

    private struct Expected: Decodable {
        var text: String
        var pair: String?
        var ids: [Int32]
        var types: [Int32]
        var logits: [Float]
    }

    /// A copy of the tiny fixture that a test may change.
    private func copy(_ name: String = "tiny-bert") throws -> URL {
        let folder = root.appendingPathComponent(UUID().uuidString)
        try FileManager.default.copyItem(at: fixtures.appendingPathComponent(name), to: folder)
        return folder
    }

    private func edit(_ file: String, in folder: URL, _ old: String, _ new: String) throws {
        let url = folder.appendingPathComponent(file)
        let text = try String(contentsOf: url, encoding: .utf8)
        #expect(text.contains(old))
        try Data(text.replacingOccurrences(of: old, with: new).utf8).write(to: url)
    }

    // MARK: Right answers

    @Test("gives the logits of an independent implementation, from one file and from parts", arguments: [
        "tiny-bert", "tiny-bert-sharded",
    ])
    func agreesWithReference(name: String) throws {
        let cases = try JSONDecoder().decode(
            [Expected].self, from: Data(contentsOf: fixtures.appendingPathComponent("tiny-bert/expected.json")))
        let artifact = try convert(fixtures.appendingPathComponent(name)) { $0.precision = .float32 }.artifact
        #expect(artifact.manifest.classLabels == ["no", "maybe", "yes"])
        #expect(artifact.manifest.receipt == nil)
        let tokenizer = try BertTokenizer(tokenizerJSON: artifact.tokenizerJSON)
        let runner = try EncoderRunner(artifact.manifest.configuration, artifact.tensors)
        for expected in cases {
            let encoding = tokenizer.encode(TextInput(expected.text, pair: expected.pair))
            #expect(encoding.ids == expected.ids)
            #expect(encoding.typeIDs == expected.types)
            for (actual, wanted) in zip(try runner.logits(encoding), expected.logits) {
                #expect(abs(actual - wanted) < 1e-4)
            }
        }
    }

    @Test("quantises to 8 bits with answers close to the floats' and says how close")
    func quantises() throws {
        let source = root.appendingPathComponent("source")
        try TinyModelFolder(seed: 5).write(to: source)
        let (report, artifact) = try convert(source) { $0.positiveLabel = "INJECTION" }
        let receipt = try #require(report.receipt)
        #expect(receipt == artifact.manifest.receipt)
        #expect(receipt.sentences > 100)
        let answers = try #require(receipt.answers)
        #expect(answers.meanPooledCosine > 0.998)
        #expect(answers.labelAgreement > 0.95)
        #expect(artifact.manifest.precision == .int8)
        #expect(artifact.manifest.positiveLabel == "INJECTION")
        #expect(artifact.tensors.tensor(named: "encoder.layer.0.intermediate.dense.weight")?.elementType == .int8)
        #expect(artifact.tensors.tensor(named: "embeddings.LayerNorm.weight")?.elementType == .float32)
        #expect(artifact.golden.count >= 8)
        for example in artifact.golden {
            for (int8, float) in zip(example.answer, example.floatAnswer) { #expect(abs(int8 - float) < 0.2) }
        }
    }

    @Test("the golden answers hold on every CPU level, and a changed weight is noticed", arguments: Precision.allCases)
    func goldenAnswers(precision: Precision) throws {
        let source = root.appendingPathComponent("source")
        try TinyModelFolder(seed: 6).write(to: source)
        let artifact = try convert(source) { $0.precision = precision }.artifact
        for level in KernelTable.runnableHere {
            let comparison = try GoldenCheck.run(artifact, kernels: .best(atMost: level))
            #expect(comparison.examples == artifact.golden.count)
            if precision == .int8 { #expect(comparison.maxDifference == 0) }
        }
        var wrong = TensorList()
        for entry in artifact.weights.table.entries {
            if let tensor = artifact.tensors.tensor(named: entry.name) { wrong.set(tensor) }
        }
        wrong.set("classifier.bias", [2], [Float(9), -9])
        var manifest = artifact.manifest
        manifest.files = []
        let draft = ArtifactDraft(
            manifest: manifest, tensors: wrong.tensors, tokenizerJSON: artifact.tokenizerJSON, golden: artifact.golden)
        let published = try ArtifactWriter().publish(draft, to: models, name: "wrong")
        let changed = try ArtifactReader().read(folder: "\(models)/\(published.id)")
        #expect(throws: MartletError.self) { try GoldenCheck.run(changed) }
    }

    @Test("converts the same folder to the same bytes")
    func isDeterministic() throws {
        let source = root.appendingPathComponent("source")
        try TinyModelFolder(seed: 7).write(to: source)
        let first = try convert(source, name: "one").artifact.manifest.files
        let second = try convert(source, name: "two").artifact.manifest.files
        #expect(first == second)
    }

    @Test("tells its progress, rising to 1")
    func progress() throws {
        let source = root.appendingPathComponent("source")
        try TinyModelFolder(seed: 8).write(to: source)
        let seen = Recorder()
        var options = ConvertOptions(name: "tiny")
        options.force = true
        _ = try Converter(source: SourceFolder(source.path), options: options) { seen.add($0) }.run(into: models)
        let fractions = seen.all.map(\.fraction)
        #expect(fractions == fractions.sorted())
        #expect(fractions.last == 1)
        #expect(Set(seen.all.map(\.stage)) == Set(ConvertProgress.Stage.allCases))
    }

    // MARK: Heads

    @Test("takes a head, and any other tensor it holds, from a folder beside the body")
    func headFolder() throws {
        let body = try copy()
        let head = root.appendingPathComponent("head")
        try FileManager.default.createDirectory(at: head, withIntermediateDirectories: false)
        try FileManager.default.copyItem(
            at: body.appendingPathComponent("config.json"), to: head.appendingPathComponent("config.json"))
        try edit("config.json", in: head, "\"maybe\"", "\"perhaps\"")
        let header = "{\"classifier.bias\":{\"dtype\":\"F32\",\"shape\":[3],\"data_offsets\":[0,12]}}"
        var file = Data()
        withUnsafeBytes(of: UInt64(header.utf8.count).littleEndian) { file.append(contentsOf: $0) }
        file += Data(header.utf8)
        for value: Float in [1, 2, 3] { withUnsafeBytes(of: value) { file.append(contentsOf: $0) } }
        try file.write(to: head.appendingPathComponent("model.safetensors"))
        let artifact = try convert(body) { $0.head = SourceFolder(head.path) }.artifact
        #expect(artifact.manifest.classLabels == ["no", "perhaps", "yes"])
        #expect(artifact.tensors.tensor(named: "classifier.bias").map { Array($0.floats) } == [1, 2, 3])

        try edit("config.json", in: head, "\"num_attention_heads\": 2", "\"num_attention_heads\": 4")
        #expect(refusal(body) { $0.head = SourceFolder(head.path) }.contains("describes another encoder"))
    }

    // MARK: Refusals

    @Test("says what is missing or not supported, and the way out")
    func refuses() throws {
        func after(_ file: String, _ old: String, _ new: String) throws -> String {
            let folder = try copy()
            try edit(file, in: folder, old, new)
            return refusal(folder)
        }
        #expect(try after("config.json", "\"bert\"", "\"roberta\"").contains("model_type is 'roberta'"))
        #expect(try after("config.json", "\"gelu\"", "\"silu\"").contains("hidden_act is 'silu'"))
        #expect(
            try after("config.json", "\"model_type\"", "\"position_embedding_type\": \"relative_key\", \"model_type\"")
                .contains("position_embedding_type is 'relative_key'"))
        #expect(try after("config.json", "\"2\": \"yes\"", "\"3\": \"yes\"").contains("has 3 labels and none for 2"))
        #expect(try after("config.json", "\"2\": \"yes\"", "\"2\": \"no\"").contains("which is empty or taken"))
        #expect(
            try after("config.json", "single_label", "no_label")
                .contains("problem_type is 'no_label_classification'"))
        #expect(
            try after("config.json", "\"hidden_size\": 16", "\"hidden_size\": 18")
                .contains("config.json needs [14, 18]"))
        #expect(try after("config.json", "\"hidden_size\": 16", "\"hidden_size\": -16").contains("hidden_size is -16"))
        #expect(try after("config.json", "\"vocab_size\": 14", "\"vocab_size\": 13").contains("has 14 tokens"))
        #expect(
            try after("config.json", "\"num_hidden_layers\": 2", "\"num_hidden_layers\": 3")
                .contains("encoder.layer.2"))
        #expect(try after("config.json", "{", "[").contains("config.json: "))
    }

    @Test("refuses an encoder without a head, without a pooler, pickles, and folders without a model")
    func refusesIncomplete() throws {
        func renamed(_ old: String, _ new: String) throws -> String {
            let folder = try copy()
            let url = folder.appendingPathComponent("model.safetensors")
            var data = try Data(contentsOf: url)
            while let range = data.range(of: Data(old.utf8)) { data.replaceSubrange(range, with: Data(new.utf8)) }
            try data.write(to: url)
            return refusal(folder)
        }
        #expect(try renamed("classifier.", "xlassifier.").contains("an encoder without a classification head"))
        #expect(try renamed("bert.pooler.", "bert.xooler.").contains("there is no 'pooler.dense'"))

        let folder = try copy()
        let model = folder.appendingPathComponent("model.safetensors")
        try FileManager.default.moveItem(at: model, to: folder.appendingPathComponent("pytorch_model.bin"))
        #expect(refusal(folder).contains("pytorch_model.bin: is a pickle"))
        #expect(refusal(folder).contains("safe_serialization=True"))
        try FileManager.default.removeItem(at: folder.appendingPathComponent("pytorch_model.bin"))
        #expect(refusal(folder).contains("model.safetensors: the model folder has no such file"))
        #expect(
            refusal(root.appendingPathComponent("nothing"))
                .contains("config.json: the model folder has no such file"))

        let untokenized = try copy()
        try FileManager.default.removeItem(at: untokenized.appendingPathComponent("vocab.txt"))
        #expect(refusal(untokenized).contains("nor vocab.txt"))
    }

    @Test("refuses parts that lead out of the folder, are missing, or hold other tensors than the index says")
    func refusesParts() throws {
        let index = "model.safetensors.index.json"
        func after(_ old: String, _ new: String) throws -> String {
            let folder = try copy("tiny-bert-sharded")
            try edit(index, in: folder, old, new)
            return refusal(folder)
        }
        #expect(try after("model-00002-of", "../model-00002-of").contains("not a plain .safetensors file name"))
        #expect(try after("model-00002-of", "model-00003-of").contains("no such file"))
        #expect(
            try after("\"classifier.weight\"", "\"classifier.other\"")
                .contains("says tensor classifier.weight is in no part"))
    }

    @Test("refuses to answer worse than the gate allows, unless told to")
    func gate() throws {
        let message = refusal(try copy()) {
            $0.force = false
            $0.gate = 1.01
        }
        #expect(message.contains("int8 changes too many answers"))
        #expect(message.contains("--force"))
        #expect(!FileManager.default.fileExists(atPath: models + "/tiny/1"))
    }

    @Test("refuses a version that exists before it does any work, and a label that the model does not have")
    func refusesOptions() throws {
        let folder = try copy()
        _ = try convert(folder) { $0.version = 3 }
        #expect(refusal(root) { $0.version = 3 }.contains("version 3 of tiny exists"))
        #expect(refusal(folder) { $0.positiveLabel = "BAD" }.contains("Its labels are: no, maybe, yes."))
        #expect(refusal(folder) { $0.calibrationTexts = ["", ""] }.contains("the calibration file has no text"))
    }

    @Test("takes regression and multi-label heads by config", arguments: ProblemType.allCases)
    func problemTypes(problem: ProblemType) throws {
        let folder = try copy()
        try edit("config.json", in: folder, "single_label_classification", problem.rawValue)
        let (report, artifact) = try convert(folder)
        #expect(report.problemType == problem)
        #expect(artifact.manifest.problemType == problem)
    }

    @Test("makes a tokenizer.json from vocab.txt that keeps case when told to")
    func casedVocabulary() throws {
        let folder = try copy()
        try edit("tokenizer_config.json", in: folder, "true", "false")
        let url = folder.appendingPathComponent("vocab.txt")
        let lines = try String(contentsOf: url, encoding: .utf8).replacingOccurrences(of: "!\n", with: "\"\n")
        let cased = lines.replacingOccurrences(of: "cat\n", with: "Cat\n")
        try Data(cased.replacingOccurrences(of: "\n", with: "\r\n").utf8)
            .write(to: url)
        let artifact = try convert(folder).artifact
        let tokenizer = try BertTokenizer(tokenizerJSON: artifact.tokenizerJSON)
        #expect(tokenizer.encode(TextInput("Cat cat \"")).ids == [2, 6, 1, 12, 3])
    }
}

/// Collects what a conversion tells.
private final class Recorder: @unchecked Sendable {  // safe: the lock guards the list
    private let lock = NSLock()
    private var seen: [ConvertProgress] = []

    func add(_ progress: ConvertProgress) { lock.withLock { seen.append(progress) } }

    var all: [ConvertProgress] { lock.withLock { seen } }
}
