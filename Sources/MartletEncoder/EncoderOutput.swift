/// What a run of the encoder ends in.
package enum EncoderOutput: Sendable {
    /// Pooler and classifier on each sequence's first row: [sequences, labels], before softmax. The last layer computes
    /// only those rows.
    case logits
    /// Mean over each sequence's rows of the last hidden state: [sequences, hidden], not normalised.
    case meanEmbedding
}
