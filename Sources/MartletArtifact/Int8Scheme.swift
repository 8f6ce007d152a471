/// How the weights of an int8 version were made: for people, and to make them again. The encoder reads no field of it.
package struct Int8Scheme: Codable, Sendable, Hashable {
    /// Exponent of the smoothing before each linear layer, 0 to 1: how much of a channel's range moves from the
    /// activations into the weights. 0: that layer is not smoothed.
    package var queryKeyValue: Double
    package var attentionOutput: Double
    package var intermediate: Double
    package var output: Double

    package enum Rounding: String, Codable, Sendable {
        /// Each weight to its nearest step.
        case nearest
        /// Each weight against the errors of those before it, so that the layer's output changes least.
        case compensated
    }

    package var rounding: Rounding

    package init(
        queryKeyValue: Double = 0, attentionOutput: Double = 0, intermediate: Double = 0, output: Double = 0,
        rounding: Rounding = .compensated
    ) {
        self.queryKeyValue = queryKeyValue
        self.attentionOutput = attentionOutput
        self.intermediate = intermediate
        self.output = output
        self.rounding = rounding
    }

    package var largestExponent: Double { max(queryKeyValue, attentionOutput, intermediate, output) }

    /// Such as `smoothing qkv 0.65, attention output 0.5, feed-forward 0.65 and 0; compensated rounding`.
    package var summary: String {
        let smoothing =
            largestExponent > 0
            ? "smoothing qkv \(queryKeyValue), attention output \(attentionOutput), feed-forward \(intermediate) and "
                + "\(output)"
            : "no smoothing"
        return "\(smoothing); \(rounding.rawValue) rounding"
    }
}
