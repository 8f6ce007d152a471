package import MartletArtifact
package import MartletCore

/// What to make of a model folder.
package struct ConvertOptions: Sendable {
    package var name: String
    /// Nil takes the number after the newest version.
    package var version: Int?
    package var precision = Precision.int8
    /// A folder whose `model.safetensors` and `config.json` go before the source's: a head-only fine-tune saved beside
    /// its body. Its tensors take the place of the source's of the same names, be it the head alone or biases and norms
    /// too.
    package var head: SourceFolder?
    package var positiveLabel: String?
    package var documentAggregation: Aggregation?
    /// Texts to calibrate with and to measure on; nil takes the built-in English ones.
    package var calibrationTexts: [String]?
    package var licence = "not stated"
    /// Where the weights come from, for people.
    package var source = "not stated"
    package var createdBy = "martlet"
    /// Least share of texts whose answer must stay the same in 8 bits.
    package var gate = 0.99
    /// Publish although the gate does not hold.
    package var force = false
    /// Exponent of the smoothing to try beside none; the better of the two is kept. 0: none.
    package var smoothing: Float = 0.5

    package init(name: String, version: Int? = nil) {
        self.name = name
        self.version = version
    }
}

/// Where a conversion stands.
package struct ConvertProgress: Sendable, Hashable {
    package enum Stage: String, Sendable, CaseIterable {
        case reading, measuringFloat, quantising, measuringInt8, writing
    }

    package let stage: Stage
    /// Of the whole conversion, 0 to 1.
    package let fraction: Double
}

/// What a conversion made.
package struct ConvertReport: Sendable {
    package let published: PublishedVersion
    package let receipt: QualityReceipt?
    package let parameters: Int
    /// Tensors of the folder that are no part of the encoder or its head.
    package let ignoredTensors: [String]
    package let classLabels: [String]
    package let problemType: ProblemType
}
