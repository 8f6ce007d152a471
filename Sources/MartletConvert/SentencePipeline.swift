internal import MartletArtifact
internal import MartletCore

/// What a sentence-transformers folder does with its encoder's rows: `modules.json` and the pooling's `config.json`.
struct SentencePipeline {
    let pooling: Pooling
    /// True when the vectors are normalised, or when the folder does not say.
    let normalize: Bool

    /// - Parameter stated: goes before what the folder says.
    /// - Throws: `.failedPrecondition` for a step or a way of pooling that a version cannot have.
    init(_ folder: SourceFolder, pooling stated: Pooling?) throws(MartletError) {
        var poolingFolder: String? = SentencePipeline.usualFolder
        var normalizes = true
        if folder.has(SentencePipeline.modules) {
            let modules = try folder.readJSON([Module].self, SentencePipeline.modules)
            normalizes = false
            poolingFolder = nil
            for module in modules {
                switch module.type.split(separator: ".").last.map(String.init) ?? "" {
                case "Transformer": break
                case "Pooling": poolingFolder = module.path
                case "Normalize": normalizes = true
                case let other:
                    throw .source(
                        SentencePipeline.modules,
                        "has a step '\(other.prefix(64))'; known are Transformer, Pooling and Normalize",
                        wayOut: "Use a model whose vectors are pooled rows of its encoder.")
                }
            }
        }
        normalize = normalizes
        if let stated {
            pooling = stated
            return
        }
        // A name, never a way out of the folder.
        if let name = poolingFolder, !VersionID.isValidModelName(name) {
            throw .source(SentencePipeline.modules, "names a folder '\(name.prefix(64))' that is not a plain name")
        }
        guard let file = poolingFolder.map({ "\($0)/\(HFConfig.fileName)" }), folder.has(file) else {
            pooling = .mean
            return
        }
        let modes = try folder.readJSON(Modes.self, file).chosen
        guard modes.count == 1, let mode = modes.first, let pooling = SentencePipeline.known[mode] else {
            throw .source(
                file, "pools by \(modes.isEmpty ? "nothing" : modes.joined(separator: " and ")); known are "
                    + SentencePipeline.known.keys.sorted().joined(separator: " and ") + ", one of them",
                wayOut: "Use another model, or say --pooling mean or --pooling cls if that is what it was trained for.")
        }
        self.pooling = pooling
    }

    private static let modules = "modules.json"
    private static let usualFolder = "1_Pooling"
    private static let known: [String: Pooling] = ["mean_tokens": .mean, "cls_token": .cls]

    private struct Module: Decodable {
        let path: String
        let type: String
    }

    /// The `pooling_mode_…` fields.
    private struct Modes: Decodable {
        let chosen: [String]

        private struct Key: CodingKey {
            let stringValue: String
            var intValue: Int? { nil }
            init(stringValue: String) { self.stringValue = stringValue }
            init?(intValue: Int) { nil }
        }

        init(from decoder: any Decoder) throws {
            let values = try decoder.container(keyedBy: Key.self)
            let prefix = "pooling_mode_"
            chosen = try values.allKeys.filter { $0.stringValue.hasPrefix(prefix) }
                .filter { try values.decode(Bool.self, forKey: $0) }
                .map { String($0.stringValue.dropFirst(prefix.count)) }.sorted()
        }
    }
}
