package import MartletCore

/// Compares logits with the golden ones. Running the encoder is the caller's part.
package struct GoldenComparison: Sendable, Hashable, Codable {
    package var examples: Int
    /// Largest absolute difference of a logit.
    package var maxDifference: Float
    /// What was allowed for the worst logit.
    package var tolerance: Float

    /// Allowed difference of a logit whose golden value is `expected`.
    ///
    /// int8 paths agree bit for bit between instruction sets, float paths to about 1e-5; the rest is room for exp and
    /// erf of another C library, where one rounding step of an activation can move a logit by some thousandths.
    package static func tolerance(for precision: Precision, expected: Float) -> Float {
        switch precision {
        case .int8: 0.02 + 0.01 * abs(expected)
        case .float32: 0.001 + 0.001 * abs(expected)
        }
    }

    /// - Parameters:
    ///   - actual: one list of logits per golden example, in order.
    ///   - tokens: the token ids the text gave now, special tokens included; empty to compare logits only.
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
            guard actual[index].count == example.logits.count else {
                throw .refused(
                    file, "example \(index) gives \(actual[index].count) logits, expected \(example.logits.count)",
                    wayOut: way)
            }
            for (place, expected) in example.logits.enumerated() {
                let value = actual[index][place]
                let allowed = tolerance(for: precision, expected: expected)
                let difference = abs(value - expected)
                // Written so that NaN fails.
                guard difference <= allowed else {
                    throw .refused(
                        file, "example \(index), logit \(place) is \(value), expected \(expected) within \(allowed)",
                        wayOut: way)
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
