internal import MartletArtifact
internal import MartletCore

/// What a model makes of a set of texts, in their order.
struct TextVectors {
    /// What the head reads; empty for a model without one.
    var pooled: [[Float]] = []
    /// By the model's own pooling; means over the last hidden states for a classifier.
    var embeddings: [[Float]] = []
}

/// The float path's answers to a set of texts, and how far another model's answers are from them.
struct QualityMeasurement {
    private let classifier: ClassifierHead?
    private let float: TextVectors

    /// - Parameter classifier: nil for a model that gives vectors.
    init(classifier: ClassifierHead?, float: TextVectors) {
        self.classifier = classifier
        self.float = float
    }

    /// - Parameter other: the other model's vectors for the same texts.
    func receipt(_ other: TextVectors, scheme: Int8Scheme, gate: Double) -> QualityReceipt {
        let cosines = zip(float.embeddings, other.embeddings).map(cosine)
        return QualityReceipt(
            sentences: cosines.count, answers: classifier?.quality(float: float.pooled, other: other.pooled),
            minEmbeddingCosine: rounded(cosines.min() ?? 1), meanEmbeddingCosine: mean(cosines),
            smoothing: scheme.largestExponent, scheme: scheme, gate: gate)
    }
}

private func rounded(_ value: Double) -> Double { (value * 1e6).rounded() / 1e6 }

private func mean(_ values: [Double]) -> Double { rounded(values.reduce(0, +) / Double(max(values.count, 1))) }

/// A classifier's last step, to compare answers by.
struct ClassifierHead {
    let problem: ProblemType
    let head: Head

    /// How answers to the same texts agree, from what the head reads in each path.
    func quality(float: [[Float]], other: [[Float]]) -> AnswerQuality {
        var agreeing = 0
        var clear = 0
        var clearAgreeing = 0
        var drift = 0.0
        var logitCosines: [Double] = []
        var pooledCosines: [Double] = []
        for (expected, actual) in zip(float, other) {
            let expectedLogits = head.logits(expected)
            let actualLogits = head.logits(actual)
            let agrees = answer(expectedLogits) == answer(actualLogits)
            if agrees { agreeing += 1 }
            if isClear(expectedLogits) {
                clear += 1
                if agrees { clearAgreeing += 1 }
            }
            for (a, b) in zip(scores(expectedLogits), scores(actualLogits)) { drift = max(drift, abs(a - b)) }
            logitCosines.append(cosine(expectedLogits, actualLogits))
            pooledCosines.append(cosine(expected, actual))
        }
        return AnswerQuality(
            labelAgreement: rounded(Double(agreeing) / Double(max(logitCosines.count, 1))), clearSentences: clear,
            clearAgreement: clear == 0 ? 1 : rounded(Double(clearAgreeing) / Double(clear)),
            maxScoreDrift: rounded(drift), minLogitCosine: rounded(logitCosines.min() ?? 1),
            meanLogitCosine: mean(logitCosines), minPooledCosine: rounded(pooledCosines.min() ?? 1),
            meanPooledCosine: mean(pooledCosines))
    }

    /// What the caller would be told: the best label, or the set of labels above one half. A regression has no label;
    /// it always agrees, and its drift is the figure to look at.
    private func answer(_ logits: [Float]) -> [Int] {
        switch problem {
        case .singleLabel: [logits.indices.max { logits[$0] < logits[$1] } ?? 0]
        case .multiLabel: logits.indices.filter { logits[$0] > 0 }
        case .regression: []
        }
    }

    private func isClear(_ logits: [Float]) -> Bool {
        let scores = scores(logits).sorted(by: >)
        return switch problem {
        case .singleLabel: scores.count < 2 || scores[0] - scores[1] >= QualityReceipt.clearLead
        case .multiLabel: scores.allSatisfy { abs($0 - 0.5) >= QualityReceipt.clearLead }
        case .regression: true
        }
    }

    private func scores(_ logits: [Float]) -> [Double] {
        switch problem {
        case .singleLabel: softmax(logits)
        case .multiLabel: sigmoid(logits)
        case .regression: logits.map(Double.init)
        }
    }
}

/// The last linear layer, in floats in every precision.
struct Head: Sendable {
    let weight: [Float]
    let bias: [Float]

    init?(_ tensors: some TensorSource) {
        guard let weight = tensors.tensor(named: "classifier.weight"),
            let bias = tensors.tensor(named: "classifier.bias")
        else { return nil }
        self.weight = Array(weight.floats)
        self.bias = Array(bias.floats)
    }

    func logits(_ pooled: [Float]) -> [Float] {
        bias.indices.map { label in
            var sum = 0.0
            for (index, value) in pooled.enumerated() {
                sum += Double(value) * Double(weight[label * pooled.count + index])
            }
            return Float(sum + Double(bias[label]))
        }
    }
}
