package import MartletCore

/// What a run of the encoder ends in.
package enum EncoderOutput: Sendable, Hashable {
    /// Pooler and classifier on each sequence's first row: [sequences, labels], before softmax. The last layer computes
    /// only those rows. Only of a model that has them.
    case logits
    /// Mean over each sequence's rows of the last hidden state: [sequences, hidden], not normalised.
    case meanEmbedding
    /// Each sequence's first row of the last hidden state: [sequences, hidden], not normalised. The last layer computes
    /// only those rows.
    case clsEmbedding
    /// Every row of the last hidden state: [rows, hidden], in the batch's order.
    case hiddenStates

    /// What a model answers that pools like this; nil for a classifier.
    package init(_ pooling: Pooling?) {
        self =
            switch pooling {
            case nil: .logits
            case .mean: .meanEmbedding
            case .cls: .clsEmbedding
            }
    }

    /// True when nothing but first rows is asked for.
    var readsFirstRows: Bool { self == .logits || self == .clsEmbedding }
}
