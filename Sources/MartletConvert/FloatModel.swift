package import MartletArtifact
package import MartletCore

/// The whole model in 32-bit floats under the names of an artifact: query, key and value are one matrix.
package struct FloatModel: Sendable {
    package let configuration: EncoderConfiguration
    package internal(set) var tensors: TensorList

    /// Names of tensors that were in the folder and are no part of the encoder, or of its head where it has one.
    package let ignored: [String]

    package init(_ configuration: EncoderConfiguration, _ checkpoint: Checkpoint) throws(MartletError) {
        var source = checkpoint
        if configuration.labels > 0 { try FloatModel.checkHead(source) }
        var tensors = TensorList()
        let hidden = configuration.hiddenSize
        func copy(_ name: String, _ shape: [Int]) throws(MartletError) {
            tensors.set(name, shape, try source.floats(name, shape))
        }
        func copyPair(_ name: String, _ shape: [Int]) throws(MartletError) {
            try copy(name + ".weight", shape)
            try copy(name + ".bias", [shape[0]])
        }
        let embeddings = "embeddings."
        try copy(embeddings + "word_embeddings.weight", [configuration.vocabularySize, hidden])
        try copy(embeddings + "position_embeddings.weight", [configuration.maxPositions, hidden])
        try copy(embeddings + "token_type_embeddings.weight", [configuration.tokenTypes, hidden])
        try copyPair(embeddings + "LayerNorm", [hidden])
        for layer in 0..<configuration.layers {
            let prefix = "encoder.layer.\(layer)."
            var weight: [Float] = []
            var bias: [Float] = []
            weight.reserveCapacity(3 * hidden * hidden)
            for part in ["query", "key", "value"] {
                let name = prefix + "attention.self." + part
                weight += try source.floats(name + ".weight", [hidden, hidden])
                bias += try source.floats(name + ".bias", [hidden])
            }
            tensors.set(prefix + "attention.self.qkv.weight", [3 * hidden, hidden], weight)
            tensors.set(prefix + "attention.self.qkv.bias", [3 * hidden], bias)
            try copyPair(prefix + "attention.output.dense", [hidden, hidden])
            try copyPair(prefix + "attention.output.LayerNorm", [hidden])
            try copyPair(prefix + "intermediate.dense", [configuration.intermediateSize, hidden])
            try copyPair(prefix + "output.dense", [hidden, configuration.intermediateSize])
            try copyPair(prefix + "output.LayerNorm", [hidden])
        }
        if configuration.labels > 0 {
            try copyPair("pooler.dense", [hidden, hidden])
            try copyPair("classifier", [configuration.labels, hidden])
        }
        self.configuration = configuration
        self.tensors = tensors
        ignored = source.unused.sorted()
    }

    private static func checkHead(_ source: Checkpoint) throws(MartletError) {
        guard source.has("classifier.weight"), source.has("classifier.bias") else {
            throw MartletError(
                .failedPrecondition,
                "model.safetensors: there is no 'classifier': this is an encoder without a classification head. Train "
                    + "one (BertForSequenceClassification), name the folder of a head with --head, or take the "
                    + "encoder's vectors with --task feature-extraction.")
        }
        guard source.has("pooler.dense.weight"), source.has("pooler.dense.bias") else {
            throw MartletError(
                .failedPrecondition,
                "model.safetensors: there is no 'pooler.dense', which a classification head reads. Save the model as "
                    + "BertForSequenceClassification, or name the folder of a head with --head.")
        }
    }
}

extension TensorList {
    /// Makes the logits of a model with as many labels as it is wide what its head would read.
    mutating func setIdentityHead(hidden: Int) {
        var identity = [Float](repeating: 0, count: hidden * hidden)
        for index in 0..<hidden { identity[index * hidden + index] = 1 }
        set("classifier.weight", [hidden, hidden], identity)
        set("classifier.bias", [hidden], [Float](repeating: 0, count: hidden))
    }
}
