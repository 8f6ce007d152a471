package import MartletArtifact
internal import MartletCore

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
    /// - Parameter smoothing: nil to leave ranges as they are.
    package static func quantise(_ model: FloatModel, smoothing: Smoothing?) -> TensorList {
        let source = smoothing?.applied(to: model.tensors, model.configuration) ?? model.tensors
        var result = TensorList()
        let linear = Set(Smoothing.sites(model.configuration).map { $0.tensorName + ".weight" })
        for tensor in source.tensors {
            guard linear.contains(tensor.name) || tensor.name == "embeddings.word_embeddings.weight" else {
                result.set(tensor)
                continue
            }
            let rows = tensor.shape[0]
            let (q, scale) = quantise(tensor.floats, rows: rows)
            result.set(tensor.name, tensor.shape, q)
            result.set(tensor.name + ".scale", [rows], scale)
        }
        return result
    }
}
