internal import MartletArtifact
internal import MartletCore
internal import MartletEncoder

/// Moves range from activations, where a few channels are far larger than the rest, into weights, where there is room.
///
/// Channel k of a linear layer's input is divided by s[k] and column k of its weights multiplied by it, with
/// s = max|x[k]|^e / max|w[k]|^(1 - e). BERT adds the residual to the same LayerNorm output that feeds the linear layer, so
/// the division cannot go into the LayerNorm; it stands beside the layer as `input_scale` = 1/s, multiplied in just before
/// the row is quantised. For the attention's output layer it goes into the rows of V instead, since a context vector is a
/// weighted mean of V's rows.
/// - SeeAlso: Xiao et al. 2022, SmoothQuant, section 4.
package struct Smoothing: Sendable {
    /// Largest absolute value per input channel of each linear layer, by the layer's name.
    package let inputMaxima: [String: [Float]]
    package let exponent: Float

    package init(inputMaxima: [String: [Float]], exponent: Float) {
        self.inputMaxima = inputMaxima
        self.exponent = exponent
    }

    /// From what the float path saw.
    init(observed maxima: ChannelMaxima, exponent: Float, _ configuration: EncoderConfiguration) {
        var inputMaxima: [String: [Float]] = [:]
        for site in Smoothing.sites(configuration) { inputMaxima[site.tensorName] = maxima.maxima(of: site) }
        self.init(inputMaxima: inputMaxima, exponent: exponent)
    }

    /// The linear layers that run in 8 bits.
    static func sites(_ configuration: EncoderConfiguration) -> [LinearSite] {
        (0..<configuration.layers).flatMap { layer -> [LinearSite] in
            [.qkv(layer: layer), .attentionOutput(layer: layer), .intermediate(layer: layer), .output(layer: layer)]
        }
    }

    /// Layers whose `input_scale` the encoder multiplies in.
    private static let inputScaled = ["output.dense"]

    func applied(to tensors: TensorList, _ configuration: EncoderConfiguration) -> TensorList {
        var result = tensors
        let hidden = configuration.hiddenSize
        for layer in 0..<configuration.layers {
            let prefix = "encoder.layer.\(layer)."
            let output = prefix + "attention.output.dense"
            let qkv = prefix + "attention.self.qkv"
            // First, because it changes rows of the layer that is smoothed next.
            if let scales = scales(for: output, in: result) {
                scaleColumns(of: output, by: scales, in: &result)
                let inverse = scales.map { 1 / $0 }
                scaleRows(of: qkv + ".weight", from: 2 * hidden, by: inverse, in: &result)
                scaleRows(of: qkv + ".bias", from: 2 * hidden, by: inverse, in: &result)
            }
            for name in Smoothing.inputScaled.map({ prefix + $0 }) {
                guard let scales = scales(for: name, in: result) else { continue }
                scaleColumns(of: name, by: scales, in: &result)
                result.set(name + ".input_scale", [scales.count], scales.map { 1 / $0 })
            }
        }
        return result
    }

    /// One factor per input channel, in 1/1000 to 1000 around a mean of 1; nil when the layer was not observed.
    private func scales(for name: String, in tensors: TensorList) -> [Float]? {
        guard let weight = tensors.tensor(named: name + ".weight"), let maxima = inputMaxima[name] else { return nil }
        let values = weight.floats
        let columns = weight.shape[1]
        guard maxima.count == columns, maxima.allSatisfy(\.isFinite) else { return nil }
        var largest = [Float](repeating: 0, count: columns)
        var place = 0
        for _ in 0..<weight.shape[0] {
            for column in 0..<columns {
                largest[column] = max(largest[column], abs(values[place]))
                place += 1
            }
        }
        let logs = (0..<columns).map { column in
            exponent * log2Of(max(maxima[column], 1e-5)) - (1 - exponent) * log2Of(max(largest[column], 1e-5))
        }
        let mean = logs.reduce(0, +) / Float(columns)
        return logs.map { exp2Of(max(-10, min(10, $0 - mean))) }
    }

    private func scaleColumns(of name: String, by factors: [Float], in tensors: inout TensorList) {
        guard let weight = tensors.tensor(named: name + ".weight") else { return }
        var values = Array(weight.floats)
        var place = 0
        for _ in 0..<weight.shape[0] {
            for column in 0..<factors.count {
                values[place] *= factors[column]
                place += 1
            }
        }
        tensors.set(weight.name, weight.shape, values)
    }

    /// Multiplies row `from + i` by `factors[i]`.
    private func scaleRows(of name: String, from first: Int, by factors: [Float], in tensors: inout TensorList) {
        guard let tensor = tensors.tensor(named: name) else { return }
        var values = Array(tensor.floats)
        let columns = tensor.shape.dropFirst().reduce(1, *)
        for (index, factor) in factors.enumerated() {
            for place in ((first + index) * columns)..<((first + index + 1) * columns) { values[place] *= factor }
        }
        tensors.set(name, tensor.shape, values)
    }
}
