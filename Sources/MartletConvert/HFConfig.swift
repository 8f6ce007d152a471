internal import MartletArtifact
package import MartletCore

/// What `config.json` of a Hugging Face BERT says, checked and in our terms.
package struct HFConfig: Sendable {
    package var configuration: EncoderConfiguration
    package var task: ModelTask
    /// Empty for an encoder without a head.
    package var classLabels: [String]
    /// Nil for an encoder without a head.
    package var problemType: ProblemType?

    static let fileName = "config.json"

    /// - Parameter task: nil takes what `architectures` says.
    /// - Throws: naming the field, for anything but a BERT with absolute positions and known activation.
    package init(
        _ folder: SourceFolder, task: ModelTask? = nil, limits: Limits = Limits()
    ) throws(MartletError) {
        let raw = try folder.readJSON(Raw.self, HFConfig.fileName, bytesMax: limits.manifestBytesMax)
        try self.init(raw, task, limits)
    }

    private init(_ raw: Raw, _ stated: ModelTask?, _ limits: Limits) throws(MartletError) {
        let way = "This program converts BERT models (model_type bert)."
        if let kind = raw.model_type, kind != "bert" {
            throw .config("model_type", "is '\(kind)', expected 'bert'", wayOut: way)
        }
        if let kind = raw.position_embedding_type, kind != "absolute" {
            throw .config("position_embedding_type", "is '\(kind)', expected 'absolute'", wayOut: way)
        }
        if raw.is_decoder == true || raw.add_cross_attention == true {
            throw .config("is_decoder", "is true, expected an encoder", wayOut: way)
        }
        func number(_ name: String, _ value: Int?, _ most: Int) throws(MartletError) -> Int {
            guard let value else { throw .config(name, "is missing") }
            guard (1...most).contains(value) else { throw .config(name, "is \(value), expected 1 to \(most)") }
            return value
        }
        task = if let stated { stated } else { try HFConfig.task(raw) }
        switch task {
        case .classification:
            classLabels = try HFConfig.labels(raw, limits)
            problemType = try HFConfig.problem(raw, labels: classLabels.count)
        case .embedding:
            classLabels = []
        }
        configuration = EncoderConfiguration(
            hiddenSize: try number("hidden_size", raw.hidden_size, 65_536),
            layers: try number("num_hidden_layers", raw.num_hidden_layers, 1_024),
            heads: try number("num_attention_heads", raw.num_attention_heads, 1_024),
            intermediateSize: try number("intermediate_size", raw.intermediate_size, 1 << 20),
            vocabularySize: try number("vocab_size", raw.vocab_size, 1 << 24),
            maxPositions: try number("max_position_embeddings", raw.max_position_embeddings, 1 << 20),
            tokenTypes: try number("type_vocab_size", raw.type_vocab_size ?? 2, 256),
            layerNormEpsilon: raw.layer_norm_eps ?? 1e-12,
            activation: try HFConfig.activation(raw.hidden_act ?? "gelu"),
            labels: classLabels.count)
        guard configuration.hiddenSize % configuration.heads == 0 else {
            throw .config(
                "hidden_size",
                "is \(configuration.hiddenSize), no multiple of num_attention_heads \(configuration.heads)")
        }
        guard configuration.layerNormEpsilon > 0, configuration.layerNormEpsilon < 1 else {
            throw .config("layer_norm_eps", "is \(configuration.layerNormEpsilon), expected above 0 and below 1")
        }
    }

    /// A config without `architectures` is taken for a classifier's, as head-only fine-tunes often write none.
    private static func task(_ raw: Raw) throws(MartletError) -> ModelTask {
        switch raw.architectures?.first {
        case nil, "BertForSequenceClassification": return .classification
        case "BertModel": return .embedding
        case let name?:
            throw .config(
                "architectures", "is '\(name.prefix(64))'; known are BertForSequenceClassification and BertModel",
                wayOut: "Say what the model is for: --task "
                    + ModelTask.allCases.map(\.rawValue).joined(separator: " or ") + ".")
        }
    }

    private static func activation(_ name: String) throws(MartletError) -> Activation {
        switch name {
        case "gelu": return .gelu
        case "gelu_new", "gelu_pytorch_tanh", "gelu_fast": return .geluTanh
        case "relu": return .relu
        default:
            throw .config(
                "hidden_act", "is '\(name)', known are gelu, gelu_new, gelu_pytorch_tanh, gelu_fast and relu",
                wayOut: "Use a model with one of these.")
        }
    }

    /// Labels in logit order. Without id2label they are LABEL_0, LABEL_1 …, as transformers names them.
    private static func labels(_ raw: Raw, _ limits: Limits) throws(MartletError) -> [String] {
        guard let table = raw.id2label, !table.isEmpty else {
            let count = raw.num_labels ?? 2
            guard (1...limits.classLabelsMax).contains(count) else {
                throw .config("num_labels", "is \(count), expected 1 to \(limits.classLabelsMax)")
            }
            return (0..<count).map { "LABEL_\($0)" }
        }
        guard table.count <= limits.classLabelsMax else {
            throw .config("id2label", "has \(table.count) labels, the limit is \(limits.classLabelsMax)")
        }
        var labels: [String] = []
        for index in 0..<table.count {
            guard let label = table[String(index)] else {
                throw .config(
                    "id2label", "has \(table.count) labels and none for \(index)",
                    wayOut: "Number the labels from 0 to \(table.count - 1) without a gap.")
            }
            guard !label.isEmpty, !labels.contains(label) else {
                throw .config(
                    "id2label", "names label \(index) '\(label)', which is empty or taken",
                    wayOut: "Give every label a name of its own.")
            }
            labels.append(label)
        }
        if let count = raw.num_labels, count != labels.count {
            throw .config("num_labels", "is \(count), id2label has \(labels.count) labels")
        }
        return labels
    }

    private static func problem(_ raw: Raw, labels: Int) throws(MartletError) -> ProblemType {
        guard let name = raw.problem_type else {
            // What transformers does: one label is a regression.
            return labels == 1 ? .regression : .singleLabel
        }
        guard let problem = ProblemType(rawValue: name) else {
            let known = ProblemType.allCases.map(\.rawValue).joined(separator: ", ")
            throw .config("problem_type", "is '\(name)', known are \(known)")
        }
        guard problem != .singleLabel || labels > 1 else {
            throw .config("problem_type", "is single_label_classification with one label")
        }
        return problem
    }

    /// The fields as they stand in the file; `null` is like missing.
    private struct Raw: Decodable {
        var architectures: [String]?
        var model_type: String?
        var position_embedding_type: String?
        var is_decoder: Bool?
        var add_cross_attention: Bool?
        var hidden_act: String?
        var hidden_size: Int?
        var num_hidden_layers: Int?
        var num_attention_heads: Int?
        var intermediate_size: Int?
        var vocab_size: Int?
        var max_position_embeddings: Int?
        var type_vocab_size: Int?
        var layer_norm_eps: Float?
        var num_labels: Int?
        var id2label: [String: String]?
        var problem_type: String?
    }
}

extension MartletError {
    static func config(
        _ field: String, _ problem: String, wayOut: String = "Correct the model's config.json."
    ) -> MartletError {
        .source(HFConfig.fileName, "\(field) \(problem)", wayOut: wayOut)
    }
}
