import Foundation
import MartletArtifact
import MartletConvert
import MartletCore
import MartletEncoder
import MartletText

/// `martlet-measure embed`: what a model makes of texts, for comparison with other engines.
struct EmbedMeasure: MeasureCommand {
    static let name = "embed"
    static let help = """
        Usage: martlet-measure embed --model FOLDER --texts FILE [options]
          --model FOLDER               a version, or a Hugging Face folder, which is converted first
          --texts FILE                 a JSON array of strings
          --output mean|logits         mean embedding, not normalised (default), or logits
          --precision int8|float32     of a folder that is converted (default int8)
        Prints the receipt of a conversion to standard error, then one JSON array of numbers a text.
        """

    private var model: String?
    private var texts: String?
    private var output = EncoderOutput.meanEmbedding
    private var precision = Precision.int8

    /// False when help was asked for.
    mutating func read(_ arguments: [String]) throws(MartletError) -> Bool {
        var rest = arguments[...]
        while let option = rest.popFirst() {
            if option == "--help" || option == "-h" { return false }
            guard let value = rest.popFirst() else { throw MartletError(.invalidArgument, "\(option) needs a value") }
            switch (option, value) {
            case ("--model", _): model = value
            case ("--texts", _): texts = value
            case ("--output", "mean"): output = .meanEmbedding
            case ("--output", "logits"): output = .logits
            case ("--precision", "int8"): precision = .int8
            case ("--precision", "float32"): precision = .float32
            default: throw MartletError(.invalidArgument, "\(option) \(value) is not known")
            }
        }
        return true
    }

    func run() throws {
        guard let model, let texts else { throw MartletError(.invalidArgument, "--model and --texts are needed") }
        let lines = try JSONDecoder().decode([String].self, from: Data(contentsOf: URL(fileURLWithPath: texts)))
        let made = FileManager.default.temporaryDirectory.appendingPathComponent("martlet-embed-\(getpid())")
        defer { try? FileManager.default.removeItem(at: made) }
        let artifact = try artifact(model, made)
        let tokenizer = try BertTokenizer(tokenizerJSON: artifact.tokenizerJSON)
        let runner = try EncoderRunner(artifact.manifest.configuration, artifact.tensors)
        for line in lines {
            let encoding = tokenizer.encode(
                TextInput(line), tokensMax: artifact.manifest.configuration.maxPositions, cutting: .right)
            let values = try runner.run(encoding, output: output)
            print("[" + values.map { "\($0)" }.joined(separator: ",") + "]")
        }
    }

    private func artifact(_ model: String, _ made: URL) throws -> ModelArtifact {
        if FileManager.default.fileExists(atPath: model + "/" + Manifest.fileName) {
            return try ArtifactReader().read(folder: model)
        }
        try FileManager.default.createDirectory(at: made, withIntermediateDirectories: true)
        var options = ConvertOptions(name: "model", version: 1)
        options.precision = precision
        options.force = true
        let start = ContinuousClock.now
        let report = try Converter(source: SourceFolder(model), options: options).run(into: made.path)
        Self.note("converted in \(start.duration(to: .now)); \(report.receipt.map { "\($0)" } ?? "no receipt")")
        return try ArtifactReader().read(folder: "\(made.path)/\(report.published.id)")
    }
}
