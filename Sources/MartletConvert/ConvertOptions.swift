package import MartletArtifact
package import MartletCore

/// What to make of a model folder.
package struct ConvertOptions: Sendable {
    package var name: String
    /// Nil takes the number after the newest version.
    package var version: Int?
    package var precision = Precision.int8
    /// Nil takes what `config.json` says.
    package var task: ModelTask?
    /// How rows become a vector; nil takes what a sentence-transformers folder says, else the mean.
    package var pooling: Pooling?
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
    /// Least share of texts whose answer must stay the same in 8 bits, or least cosine of any text's vector; nil takes
    /// `defaultGate`.
    package var gate: Double?
    /// Publish although the gate does not hold.
    package var force = false
    /// Ways to make 8-bit weights that are tried. The one whose receipt is best is tried with compensated rounding too,
    /// and the better of the two is kept. Not empty.
    package var schemes = ConvertOptions.knownSchemes

    /// Measured on sentence encoders: what leaves a layer norm has a few channels far larger than the rest, and gains
    /// from a strong smoothing; what leaves the activation gains from none or from a strong one, and loses by half.
    package static let knownSchemes = [
        Int8Scheme(queryKeyValue: 0.65, attentionOutput: 0.5, intermediate: 0.65, rounding: .nearest),
        Int8Scheme(
            queryKeyValue: 0.65, attentionOutput: 0.5, intermediate: 0.65, output: 0.7, rounding: .nearest),
        Int8Scheme(rounding: .nearest),
    ]

    /// An answer that flips is seen by somebody; a vector that turns by less than six degrees keeps its neighbours.
    package static func defaultGate(_ task: ModelTask) -> Double { task == .classification ? 0.99 : 0.995 }

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
    /// Nil for a model that gives vectors.
    package let problemType: ProblemType?
    /// Nil for a classifier.
    package let pooling: Pooling?
    /// The task and what belongs to it, for people.
    package let taskSummary: String
}
