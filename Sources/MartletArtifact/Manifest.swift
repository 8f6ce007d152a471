package import MartletCore

/// Element type of the linear layers.
package enum Precision: String, Codable, Sendable, CaseIterable {
    case int8
    case float32
}

/// What a version is: `manifest.json`. Its SHA-256 is the version's digest, and it holds the SHA-256 of every other
/// file.
package struct Manifest: Codable, Sendable, Hashable {
    package static let fileName = "manifest.json"
    package static let weightsFileName = "weights.martlet"
    package static let tokenizerFileName = "tokenizer.json"
    package static let goldenFileName = "golden.json"
    package static let currentFormat = 1

    package struct File: Codable, Sendable, Hashable {
        package var name: String
        package var bytes: Int
        /// Lower-case hex.
        package var sha256: String

        package init(name: String, bytes: Int, sha256: String) {
            self.name = name
            self.bytes = bytes
            self.sha256 = sha256
        }
    }

    package struct Tokenizer: Codable, Sendable, Hashable {
        /// `wordpiece`.
        package var kind: String
        package var lowercase: Bool
        /// Ids the tokenizer knows; at most the encoder's vocabulary.
        package var vocabularySize: Int

        package init(kind: String = "wordpiece", lowercase: Bool, vocabularySize: Int) {
            self.kind = kind
            self.lowercase = lowercase
            self.vocabularySize = vocabularySize
        }
    }

    package var format: Int
    /// The model and number it was published as.
    package var name: String
    package var version: Int
    package var architecture: String
    /// A raw value of `ModelTask`.
    package var task: String
    package var configuration: EncoderConfiguration
    /// In logit order, one per output of the head; empty for an encoder without one.
    package var classLabels: [String]
    /// Nil for an encoder without a head, and only for that.
    package var problemType: ProblemType?
    /// How a text's rows become its vector; nil for a classifier, and only for that.
    package var pooling: Pooling?
    /// True when the model's vectors are made to be compared by their direction alone; nil for a classifier.
    package var normalize: Bool?
    /// The label whose presence anywhere in a document decides, such as `INJECTION`.
    package var positiveLabel: String?
    /// How windows of a document become one verdict unless the caller says otherwise.
    /// A raw value of `Aggregation`, never `modelDefault`.
    package var documentAggregation: String?
    package var tokenizer: Tokenizer
    package var precision: Precision
    package var licence: String
    /// Where the weights come from, for people; never a path of the machine that made the version.
    package var source: String
    /// Such as `martlet 0.1.0`.
    package var createdBy: String
    /// Nil for float32.
    package var receipt: QualityReceipt?
    /// Every file of the folder except the manifest, by name.
    package var files: [File]
    /// SHA-256 of this file with these 64 digits replaced by zeros: a changed byte is noticed although nothing else
    /// lists the manifest's own digest.
    package var checksum: String

    /// What the model answers with, and what only such a model has.
    package enum Kind: Sendable, Hashable {
        case classifier(
            labels: [String], ProblemType, positiveLabel: String? = nil, documentAggregation: Aggregation? = nil)
        case embedder(Pooling, normalize: Bool)
    }

    package init(
        configuration: EncoderConfiguration, kind: Kind, tokenizer: Tokenizer, precision: Precision, licence: String,
        source: String, createdBy: String, receipt: QualityReceipt? = nil
    ) {
        format = Manifest.currentFormat
        name = ""
        version = 0
        architecture = "bert"
        self.configuration = configuration
        switch kind {
        case .classifier(let labels, let problemType, let positiveLabel, let documentAggregation):
            task = ModelTask.classification.rawValue
            classLabels = labels
            self.problemType = problemType
            self.positiveLabel = positiveLabel
            self.documentAggregation = documentAggregation?.rawValue
        case .embedder(let pooling, let normalize):
            task = ModelTask.embedding.rawValue
            classLabels = []
            self.pooling = pooling
            self.normalize = normalize
        }
        self.tokenizer = tokenizer
        self.precision = precision
        self.licence = licence
        self.source = source
        self.createdBy = createdBy
        self.receipt = receipt
        files = []
        checksum = ""
    }

    /// Values of one answer: logits of a text, or its vector.
    package var answerWidth: Int { pooling == nil ? configuration.labels : configuration.hiddenSize }

    /// The task and what belongs to it, for people.
    package var taskSummary: String {
        let details = [
            problemType?.rawValue, pooling.map { "\($0.rawValue) pooling" },
            pooling.map { _ in "\(answerWidth) values" }, normalize == true ? "normalised" : nil,
        ]
        return ([task] + details.compactMap { $0 }).joined(separator: ", ")
    }
}
