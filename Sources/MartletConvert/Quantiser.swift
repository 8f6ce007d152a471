internal import MartletArtifact
internal import MartletCore
internal import MartletEncoder

/// Turns a matrix into 8-bit integers with one scale per row (per output channel), symmetric, -127 to 127.
package enum Quantiser {
    /// - Parameter values: row-major, `rows` times any number of columns.
    /// - Returns: element = `q * scale[row]` to half a step. A row of zeros has scale 1.
    package static func quantise(_ values: UnsafeBufferPointer<Float>, rows: Int) -> (q: [Int8], scale: [Float]) {
        let columns = values.count / max(rows, 1)
        var scale = [Float](repeating: 1, count: rows)
        let q = [Int8](unsafeUninitializedCapacity: values.count) { out, filled in
            for row in 0..<rows {
                let begin = row * columns
                var largest: Float = 0
                for place in begin..<(begin + columns) { largest = max(largest, abs(values[place])) }
                // Below this the reciprocal would overflow; such a row is zero for all that matters.
                guard largest > 1e-30 else {
                    for place in begin..<(begin + columns) { out[place] = 0 }
                    continue
                }
                let step = largest / 127
                let inverse = 127 / largest
                scale[row] = step
                for place in begin..<(begin + columns) {
                    let rounded = (values[place] * inverse).rounded(.toNearestOrEven)
                    out[place] = Int8(max(-127, min(127, rounded)))
                }
            }
            filled = values.count
        }
        return (q, scale)
    }

    /// The int8 artifact's tensors: linear layers and the word table in 8 bits, all else as it is.
    /// - Parameters:
    ///   - inputs: what the float path's linear layers read.
    ///   - tell: told the share that is done, 0 to 1.
    static func quantise(
        _ model: FloatModel, _ scheme: Int8Scheme, _ inputs: InputStatistics, tell: (Double) -> Void
    ) -> TensorList {
        let smoothed = Smoothing(model, scheme, inputs)
        var result = TensorList()
        var sites: [String: LinearSite] = [:]
        for site in LinearSite.all(layers: model.configuration.layers) { sites[site.tensorName + ".weight"] = site }
        let total = Double(max(1, sites.count))
        for tensor in smoothed.tensors.tensors {
            let site = sites.removeValue(forKey: tensor.name)
            guard site != nil || tensor.name == "embeddings.word_embeddings.weight" else {
                result.set(tensor)
                continue
            }
            let rows = tensor.shape[0]
            let q: [Int8], scale: [Float]
            if scheme.rounding == .compensated, let site, let gram = inputs.gram(of: site) {
                let rounding = CompensatedRounding(
                    gram: gram, inputs: tensor.shape[1], scale: smoothed.inputScales[site.tensorName])
                (q, scale) = rounding.quantise(tensor.floats, rows: rows)
            } else {
                (q, scale) = quantise(tensor.floats, rows: rows)
            }
            result.set(tensor.name, tensor.shape, q)
            result.set(tensor.name + ".scale", [rows], scale)
            tell(1 - Double(sites.count) / total)
        }
        return result
    }
}
