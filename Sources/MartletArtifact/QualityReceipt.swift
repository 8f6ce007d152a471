/// What the smaller precision costs, measured when the version was made: its answers against the float path's.
package struct QualityReceipt: Codable, Sendable, Hashable {
    /// Texts both paths answered.
    package var sentences: Int
    /// Share of texts whose best label is the same, 0 to 1.
    package var labelAgreement: Double
    /// Texts for which the float path's best score leads by at least `clearLead`, and the share of those whose answer
    /// is the same. The gate looks at these: where two labels tie, either is as good an answer.
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
    /// Cosine between the two paths' mean embeddings (the mean over a text's last hidden states), lowest and mean over
    /// the texts; nil in versions made before it was measured.
    package var minEmbeddingCosine: Double?
    package var meanEmbeddingCosine: Double?
    /// Largest exponent of the smoothing that moved activation ranges into the weights; 0: none.
    package var smoothing: Double
    /// How the weights were rounded; nil in versions made before there was a choice.
    package var scheme: Int8Scheme?
    /// Agreement that was asked for; a version below it exists only by force.
    package var gate: Double

    package init(
        sentences: Int, labelAgreement: Double, clearSentences: Int, clearAgreement: Double, maxScoreDrift: Double,
        minLogitCosine: Double, meanLogitCosine: Double,
        minPooledCosine: Double, meanPooledCosine: Double, minEmbeddingCosine: Double? = nil,
        meanEmbeddingCosine: Double? = nil, smoothing: Double, scheme: Int8Scheme? = nil, gate: Double
    ) {
        self.sentences = sentences
        self.labelAgreement = labelAgreement
        self.clearSentences = clearSentences
        self.clearAgreement = clearAgreement
        self.maxScoreDrift = maxScoreDrift
        self.minLogitCosine = minLogitCosine
        self.meanLogitCosine = meanLogitCosine
        self.minPooledCosine = minPooledCosine
        self.meanPooledCosine = meanPooledCosine
        self.minEmbeddingCosine = minEmbeddingCosine
        self.meanEmbeddingCosine = meanEmbeddingCosine
        self.smoothing = smoothing
        self.scheme = scheme
        self.gate = gate
    }

    /// Lead of the best score over the second (over one half for each label of a multi-label model).
    package static let clearLead = 0.1

    package var passes: Bool { clearAgreement >= gate }
}
