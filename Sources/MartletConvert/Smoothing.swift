internal import MartletArtifact
internal import MartletCore
internal import MartletEncoder

/// Moves range from activations, where a few channels are far larger than the rest, into weights, where there is room.
///
/// Channel k of a linear layer's input is divided by s[k] and column k of its weights multiplied by it, with
/// s = max|x[k]|^e / max|w[k]|^(1 - e). BERT adds the residual to the same LayerNorm output that feeds the linear
/// layer, so the division cannot go into the LayerNorm; it stands beside the layer as `input_scale` = 1/s, multiplied
/// in just before the row is quantised. For the attention's output layer it goes into the rows of V instead, since a
/// context vector is a weighted mean of V's rows.
/// - SeeAlso: Xiao et al. 2022, SmoothQuant, section 4.
struct Smoothing {
    /// Tensors whose products are the float model's, with the input scales among them.
    private(set) var tensors: TensorList
    /// What each layer's input is multiplied by on its way, by the layer's name; no entry for 1.
    private(set) var inputScales: [String: [Float]] = [:]

    /// - Parameter inputs: what the float path saw.
    init(_ model: FloatModel, _ scheme: Int8Scheme, _ inputs: InputStatistics) {
        tensors = model.tensors
        let hidden = model.configuration.hiddenSize
        for layer in 0..<model.configuration.layers {
            let qkv = LinearSite.qkv(layer: layer).tensorName
            let output = LinearSite.attentionOutput(layer: layer)
            // First, because it changes rows of the layer that is smoothed next.
            if let scales = scales(for: output, exponent: scheme.attentionOutput, inputs) {
                scaleColumns(of: output.tensorName, by: scales)
                let inverse = scales.map { 1 / $0 }
                scaleRows(of: qkv + ".weight", from: 2 * hidden, by: inverse)
                scaleRows(of: qkv + ".bias", from: 2 * hidden, by: inverse)
                inputScales[output.tensorName] = inverse
            }
            let sites: [(LinearSite, Double)] = [
                (.qkv(layer: layer), scheme.queryKeyValue), (.intermediate(layer: layer), scheme.intermediate),
                (.output(layer: layer), scheme.output),
            ]
            for (site, exponent) in sites {
                guard let scales = scales(for: site, exponent: exponent, inputs) else { continue }
                let inverse = scales.map { 1 / $0 }
                scaleColumns(of: site.tensorName, by: scales)
                tensors.set(site.tensorName + ".input_scale", [scales.count], inverse)
                inputScales[site.tensorName] = inverse
            }
        }
    }

    /// One factor per input channel, in 1/1000 to 1000 around a mean of 1; nil for an exponent of 0, or when the layer
    /// was not observed.
    private func scales(for site: LinearSite, exponent: Double, _ inputs: InputStatistics) -> [Float]? {
        let exponent = Float(exponent)
        guard exponent > 0, let weight = tensors.tensor(named: site.tensorName + ".weight"),
            let maxima = inputs.maxima(of: site)
        else { return nil }
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

    private mutating func scaleColumns(of name: String, by factors: [Float]) {
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
    private mutating func scaleRows(of name: String, from first: Int, by factors: [Float]) {
        guard let tensor = tensors.tensor(named: name) else { return }
        var values = Array(tensor.floats)
        let columns = tensor.shape.dropFirst().reduce(1, *)
        for (index, factor) in factors.enumerated() {
            for place in ((first + index) * columns)..<((first + index + 1) * columns) { values[place] *= factor }
        }
        tensors.set(name, tensor.shape, values)
    }
}
