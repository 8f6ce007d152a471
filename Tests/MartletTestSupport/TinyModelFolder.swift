import Foundation

/// A small BERT classifier, or an encoder for its vectors, in the files Hugging Face gives a model, with seeded random
/// weights: real in every part but its size, so that tests convert, serve and swap models in milliseconds.
public struct TinyModelFolder: Sendable {
    public var hiddenSize = 64
    public var layers = 2
    public var heads = 4
    public var intermediateSize = 128
    public var maxPositions = 64
    public var labels = ["SAFE", "INJECTION"]
    /// `mean_tokens` or `cls_token` makes it a sentence-transformers folder: a BertModel, with that pooling; nil a
    /// classifier.
    public var pooling: String?
    public var seed: UInt64

    /// Words the vocabulary has whole; others fall apart into letters.
    public static let words =
        "the of and to in a is that for it as was with be by on not he his but at are this have from or had an they "
        + "which one you were all her she there would their we him been has when who will no more if out so up said "
        + "what its about than into them can only other time new some could these two may first then do any like my "
        + "now over such our man me even most made after also did many off before must well back through years where "
        + "much your way down should because long each just state people those too mr how little good world make very "
        + "year still see own work men day get here old life both between under never same another know while last "
        + "might us great since against go came right used take three ignore previous instructions system prompt"

    public init(seed: UInt64) { self.seed = seed }

    public var vocabulary: [String] {
        var tokens = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
        for scalar in (33...126).map({ Character(UnicodeScalar(UInt8($0))) }) where !scalar.isUppercase {
            tokens.append(String(scalar))
            if scalar.isLetter || scalar.isNumber { tokens.append("##\(scalar)") }
        }
        for word in Self.words.split(separator: " ").map(String.init) where !tokens.contains(word) {
            tokens.append(word)
        }
        return tokens
    }

    /// Writes config.json, vocab.txt and model.safetensors into `folder`, which is made, and what says how to pool.
    public func write(to folder: URL) throws {
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let vocabulary = vocabulary
        var config: [String: Any] = [
            "architectures": [pooling == nil ? "BertForSequenceClassification" : "BertModel"],
            "model_type": "bert", "hidden_act": "gelu",
            "hidden_size": hiddenSize, "num_hidden_layers": layers, "num_attention_heads": heads,
            "intermediate_size": intermediateSize, "vocab_size": vocabulary.count,
            "max_position_embeddings": maxPositions, "type_vocab_size": 2, "layer_norm_eps": 1e-12,
            "pad_token_id": 0, "position_embedding_type": "absolute", "do_lower_case": true,
        ]
        if let pooling {
            try writeSentencePipeline(pooling, to: folder)
        } else {
            config["problem_type"] = "single_label_classification"
            config["id2label"] = Dictionary(uniqueKeysWithValues: labels.enumerated().map { (String($0), $1) })
            config["label2id"] = Dictionary(uniqueKeysWithValues: labels.enumerated().map { ($1, $0) })
        }
        try JSONSerialization.data(withJSONObject: config, options: [.prettyPrinted, .sortedKeys])
            .write(to: folder.appendingPathComponent("config.json"))
        try Data((vocabulary.joined(separator: "\n") + "\n").utf8).write(to: folder.appendingPathComponent("vocab.txt"))
        try safetensors(vocabularySize: vocabulary.count).write(to: folder.appendingPathComponent("model.safetensors"))
    }

    private func writeSentencePipeline(_ pooling: String, to folder: URL) throws {
        let modules = [("", "Transformer"), ("1_Pooling", "Pooling"), ("2_Normalize", "Normalize")].map {
            ["path": $0, "type": "sentence_transformers.models.\($1)"]
        }
        try JSONSerialization.data(withJSONObject: modules).write(to: folder.appendingPathComponent("modules.json"))
        let poolingFolder = folder.appendingPathComponent("1_Pooling")
        try FileManager.default.createDirectory(at: poolingFolder, withIntermediateDirectories: true)
        var modes: [String: Any] = ["word_embedding_dimension": hiddenSize]
        for mode in ["cls_token", "mean_tokens", "max_tokens"] { modes["pooling_mode_\(mode)"] = mode == pooling }
        try JSONSerialization.data(withJSONObject: modes).write(to: poolingFolder.appendingPathComponent("config.json"))
    }

    private func safetensors(vocabularySize: Int) throws -> Data {
        var random = SeededGenerator(seed: seed)
        var header: [String: Any] = ["__metadata__": ["format": "pt"]]
        var body = Data()
        func add(_ name: String, _ shape: [Int], around centre: Float = 0, spread: Float = 0.08) {
            let count = shape.reduce(1, *)
            let start = body.count
            for _ in 0..<count {
                let value = centre + spread * random.normal()
                withUnsafeBytes(of: value.bitPattern.littleEndian) { body.append(contentsOf: $0) }
            }
            // An encoder alone carries no prefix.
            let isBare = pooling != nil && name.hasPrefix("bert.")
            header[isBare ? String(name.dropFirst(5)) : name] = [
                "dtype": "F32", "shape": shape, "data_offsets": [start, body.count],
            ]
        }
        func addNorm(_ name: String) {
            add("\(name).weight", [hiddenSize], around: 1, spread: 0.05)
            add("\(name).bias", [hiddenSize], spread: 0.05)
        }
        func addLinear(_ name: String, _ rows: Int, _ columns: Int) {
            add("\(name).weight", [rows, columns], spread: 1.2 / Float(columns).squareRoot())
            add("\(name).bias", [rows], spread: 0.05)
        }
        add("bert.embeddings.word_embeddings.weight", [vocabularySize, hiddenSize], spread: 0.5)
        add("bert.embeddings.position_embeddings.weight", [maxPositions, hiddenSize], spread: 0.2)
        add("bert.embeddings.token_type_embeddings.weight", [2, hiddenSize], spread: 0.1)
        addNorm("bert.embeddings.LayerNorm")
        for layer in 0..<layers {
            let prefix = "bert.encoder.layer.\(layer)"
            for part in ["query", "key", "value"] {
                addLinear("\(prefix).attention.self.\(part)", hiddenSize, hiddenSize)
            }
            addLinear("\(prefix).attention.output.dense", hiddenSize, hiddenSize)
            addNorm("\(prefix).attention.output.LayerNorm")
            addLinear("\(prefix).intermediate.dense", intermediateSize, hiddenSize)
            addLinear("\(prefix).output.dense", hiddenSize, intermediateSize)
            addNorm("\(prefix).output.LayerNorm")
        }
        addLinear("bert.pooler.dense", hiddenSize, hiddenSize)
        if pooling == nil { addLinear("classifier", labels.count, hiddenSize) }
        var json = try JSONSerialization.data(withJSONObject: header, options: [.sortedKeys])
        while json.count % 8 != 0 { json.append(0x20) }
        var file = Data()
        withUnsafeBytes(of: UInt64(json.count).littleEndian) { file.append(contentsOf: $0) }
        return file + json + body
    }
}

extension SeededGenerator {
    /// Close to a standard normal: the sum of twelve uniforms less six.
    public mutating func normal() -> Float {
        var sum: Float = -6
        for _ in 0..<12 { sum += Float(next() >> 40) / Float(1 << 24) }
        return sum
    }
}
