/// How logits become scores (`problem_type` of a Hugging Face config).
package enum ProblemType: String, Sendable, Codable, CaseIterable {
    /// Softmax over all labels.
    case singleLabel = "single_label_classification"
    /// Sigmoid of each label.
    case multiLabel = "multi_label_classification"
    /// The logit itself.
    case regression = "regression"
}

package enum Activation: String, Sendable, Codable, CaseIterable {
    /// x * 0.5 * (1 + erf(x / sqrt 2)).
    case gelu
    /// The tanh form, `gelu_new` / `gelu_pytorch_tanh` in Hugging Face configs.
    case geluTanh = "gelu_tanh"
    case relu
}

/// The numbers of a BERT encoder, with a sequence classification head or without. Stands in the manifest as JSON.
package struct EncoderConfiguration: Sendable, Codable, Hashable {
    package var hiddenSize: Int
    package var layers: Int
    package var heads: Int
    package var intermediateSize: Int
    package var vocabularySize: Int
    package var maxPositions: Int
    package var tokenTypes: Int
    package var layerNormEpsilon: Float
    package var activation: Activation
    /// Outputs of the classification head; 0 for an encoder without one.
    package var labels: Int

    package init(
        hiddenSize: Int, layers: Int, heads: Int, intermediateSize: Int, vocabularySize: Int, maxPositions: Int,
        tokenTypes: Int, layerNormEpsilon: Float, activation: Activation, labels: Int
    ) {
        self.hiddenSize = hiddenSize
        self.layers = layers
        self.heads = heads
        self.intermediateSize = intermediateSize
        self.vocabularySize = vocabularySize
        self.maxPositions = maxPositions
        self.tokenTypes = tokenTypes
        self.layerNormEpsilon = layerNormEpsilon
        self.activation = activation
        self.labels = labels
    }
}
