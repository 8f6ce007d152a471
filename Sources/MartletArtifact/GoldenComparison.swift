package import MartletCore

/// Compares logits or vectors with the golden ones. Running the encoder is the caller's part.
package struct GoldenComparison: Sendable, Hashable, Codable {
    package var examples: Int
    /// Largest absolute difference of a value.
    package var maxDifference: Float
    /// What was allowed for the worst value.
    package var tolerance: Float

    /// Allowed difference of a value whose golden value is `expected`.
    ///
    /// int8 paths agree bit for bit between instruction sets, float paths to about 1e-5; the rest is room for exp and
    /// erf of another C library, where one rounding step of an activation can move a logit by some thousandths.
    /// - Parameter scale: the size that values have: 1 for logits, the root mean square of a vector's values.
    package static func tolerance(for precision: Precision, expected: Float, scale: Float = 1) -> Float {
        switch precision {
        case .int8: 0.02 * scale + 0.01 * abs(expected)
        case .float32: 0.001 * scale + 0.001 * abs(expected)
        }
    }

    private static func scale(of example: GoldenExample) -> Float {
        guard example.isVector, !example.answer.isEmpty else { return 1 }
        return (example.answer.reduce(0) { $0 + $1 * $1 } / Float(example.answer.count)).squareRoot()
    }

    /// - Parameters:
    ///   - actual: one answer per golden example, in order.
    ///   - tokens: the token ids the text gave now, special tokens included; empty to compare answers only.
    /// - Throws: `.failedPrecondition` with the figures of the first example that differs.
    package static func check(
        _ golden: [GoldenExample], actual: [[Float]], tokens: [[Int32]] = [], precision: Precision
    ) throws(MartletError) -> GoldenComparison {
        let file = Manifest.goldenFileName
        let way = "The version, this program or this machine is not what made it: convert the model again."
        guard actual.count == golden.count else {
            throw .refused(file, "\(golden.count) examples, \(actual.count) answers", wayOut: way)
        }
        var worst = GoldenComparison(examples: golden.count, maxDifference: 0, tolerance: 0)
        for (index, example) in golden.enumerated() {
            if index < tokens.count, tokens[index] != example.tokens {
                throw .refused(
                    file, "example \(index) becomes other tokens (\(tokens[index].count), expected "
                        + "\(example.tokens.count))", wayOut: way)
            }
            guard actual[index].count == example.answer.count else {
                let kind = example.isVector ? "values" : "logits"
                throw .refused(
                    file, "example \(index) gives \(actual[index].count) \(kind), expected \(example.answer.count)",
                    wayOut: way)
            }
            let scale = scale(of: example)
            for (place, expected) in example.answer.enumerated() {
                let value = actual[index][place]
                let allowed = tolerance(for: precision, expected: expected, scale: scale)
                let difference = abs(value - expected)
                // Written so that NaN fails.
                guard difference <= allowed else {
                    throw .refused(
                        file,
                        "example \(index), \(example.isVector ? "value" : "logit") \(place) is \(value), "
                            + "expected \(expected) within \(allowed)", wayOut: way)
                }
                if difference >= worst.maxDifference {
                    worst.maxDifference = difference
                    worst.tolerance = allowed
                }
            }
        }
        return worst
    }
}
