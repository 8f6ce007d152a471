package import MartletCore

/// How far two versions' answers to the same call lie apart, text by text.
package enum AnswerComparison {
    /// Vectors whose cosine is at least this agree.
    package static let cosineMin = 0.99

    /// Agree: the same first label. Drift: how far the score of the caller's first label moved; all of it where the
    /// other version has no label of that name.
    package static func compare(
        _ caller: ClassifyAnswer, _ copy: ClassifyAnswer
    ) -> [(agrees: Bool, drift: Double)] {
        zip(caller.results, copy.results).map { caller, copy in
            guard let first = caller.scores.first else { return (copy.scores.isEmpty, 0) }
            let other = copy.scores.first { $0.label == first.label }?.score ?? 0
            return (copy.scores.first?.label == first.label, abs(Double(first.score) - Double(other)))
        }
    }

    /// Agree: a cosine of at least `cosineMin`. Drift: one minus the cosine; 1 for vectors of another width or number.
    package static func compare(_ caller: EmbedAnswer, _ copy: EmbedAnswer) -> [(agrees: Bool, drift: Double)] {
        zip(caller.results, copy.results).map { caller, copy in
            guard let cosine = cosine(caller.values, copy.values) else { return (false, 1) }
            return (cosine >= cosineMin, max(0, 1 - cosine))
        }
    }

    /// Of all values together, so that the vectors of many tokens are one comparison; nil where there is none.
    private static func cosine(_ left: [Float], _ right: [Float]) -> Double? {
        guard left.count == right.count else { return nil }
        var product = 0.0, leftSquares = 0.0, rightSquares = 0.0
        for (left, right) in zip(left, right) {
            product += Double(left) * Double(right)
            leftSquares += Double(left) * Double(left)
            rightSquares += Double(right) * Double(right)
        }
        guard leftSquares > 0, rightSquares > 0 else { return leftSquares == rightSquares ? 1 : nil }
        return product / (leftSquares * rightSquares).squareRoot()
    }
}
