/// What a model is for, by the name that Hugging Face gives the task.
package enum ModelTask: String, Sendable, Codable, CaseIterable {
    /// An encoder with a classifier on its pooled first row: `Classify`.
    case classification = "text-classification"
    /// An encoder alone, whose last hidden states are pooled into one vector: `Embed`.
    case embedding = "feature-extraction"
}

/// How the rows of a text become its vector.
package enum Pooling: String, Sendable, Codable, CaseIterable {
    /// Mean over all rows, special tokens included.
    case mean
    /// The first row, that of `[CLS]`.
    case cls
}
