/// What the smaller precision costs, measured when the version was made: its answers against the float path's.
package struct QualityReceipt: Sendable, Hashable {
    /// Texts both paths answered.
    package var sentences: Int
    /// How labels and scores agree; nil for a model that gives vectors.
    package var answers: AnswerQuality?
    /// Cosine between the two paths' embeddings, lowest and mean over the texts: of the model's own pooling for a model
    /// that gives vectors, else of the mean over a text's last hidden states. Nil in versions made before it was
    /// measured.
    package var minEmbeddingCosine: Double?
    package var meanEmbeddingCosine: Double?
    /// Largest exponent of the smoothing that moved activation ranges into the weights; 0: none.
    package var smoothing: Double
    /// How the weights were rounded; nil in versions made before there was a choice.
    package var scheme: Int8Scheme?
    /// What was asked for; a version below it exists only by force. For a classifier the share of texts with a clear
    /// answer that keep it, for a model that gives vectors the lowest cosine of any text.
    package var gate: Double

    package init(
        sentences: Int, answers: AnswerQuality? = nil, minEmbeddingCosine: Double? = nil,
        meanEmbeddingCosine: Double? = nil, smoothing: Double, scheme: Int8Scheme? = nil, gate: Double
    ) {
        self.sentences = sentences
        self.answers = answers
        self.minEmbeddingCosine = minEmbeddingCosine
        self.meanEmbeddingCosine = meanEmbeddingCosine
        self.smoothing = smoothing
        self.scheme = scheme
        self.gate = gate
    }

    /// Lead of the best score over the second (over one half for each label of a multi-label model).
    package static let clearLead = 0.1

    /// The figure that the gate looks at.
    package var gated: Double { answers?.clearAgreement ?? minEmbeddingCosine ?? 0 }

    package var passes: Bool { gated >= gate }
}

/// How well a classifier's labels and scores agree with the float path's.
package struct AnswerQuality: Codable, Sendable, Hashable {
    /// Share of texts whose best label is the same, 0 to 1.
    package var labelAgreement: Double
    /// Texts for which the float path's best score leads by at least `QualityReceipt.clearLead`, and the share of those
    /// whose answer is the same. The gate looks at these: where two labels tie, either is as good an answer.
    package var clearSentences: Int
    package var clearAgreement: Double
    /// Largest difference of any score (after softmax or sigmoid; the value itself for regression).
    package var maxScoreDrift: Double
    /// Cosine between the two paths' logits, lowest and mean over the texts.
    package var minLogitCosine: Double
    package var meanLogitCosine: Double
    /// Cosine between the two paths' pooled vectors, what the head sees.
    package var minPooledCosine: Double
    package var meanPooledCosine: Double

    package init(
        labelAgreement: Double, clearSentences: Int, clearAgreement: Double, maxScoreDrift: Double,
        minLogitCosine: Double, meanLogitCosine: Double, minPooledCosine: Double, meanPooledCosine: Double
    ) {
        self.labelAgreement = labelAgreement
        self.clearSentences = clearSentences
        self.clearAgreement = clearAgreement
        self.maxScoreDrift = maxScoreDrift
        self.minLogitCosine = minLogitCosine
        self.meanLogitCosine = meanLogitCosine
        self.minPooledCosine = minPooledCosine
        self.meanPooledCosine = meanPooledCosine
    }
}
