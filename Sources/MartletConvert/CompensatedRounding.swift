internal import MartletCore

/// Rounds a linear layer's weights so that its outputs change little, not its weights.
///
/// With e the error of one output's weights and H the mean of x xᵀ over calibration inputs x, the output's mean squared
/// error is eᵀ H e. With H = L Lᵀ that is the sum over k of (Lᵀ e)[k]², and (Lᵀ e)[k] depends on e[k] and what stands
/// behind it: weights are rounded from the last input to the first, each to the value that makes its own term least,
/// which moves it against the errors already made. This is GPTQ's solution, found with one factor and no inverse.
/// - SeeAlso: Frantar et al. 2022, GPTQ; Chee et al. 2023, QuIP, theorem 6 (both give the same rounding).
package struct CompensatedRounding {
    /// Of the mean diagonal, added to it: calibration texts are few, and channels they leave asleep are not free.
    private static let damping: Float = 0.03
    private static let lanes = 16

    private let inputs: Int
    /// Row k holds L[i][k] / L[k][k] at i > k.
    private let influence: [Float]

    /// - Parameters:
    ///   - gram: mean of x xᵀ, row-major, [inputs * inputs].
    ///   - scale: what each input is multiplied by before the layer reads it, [inputs]; nil for 1.
    package init(gram: [Float], inputs: Int, scale: [Float]? = nil) {
        precondition(gram.count == inputs * inputs && scale?.count ?? inputs == inputs, "a Gram matrix of the inputs")
        var matrix = gram
        if let scale {
            for row in 0..<inputs {
                for column in 0..<inputs { matrix[row * inputs + column] *= scale[row] * scale[column] }
            }
        }
        var mean: Float = 0
        for index in 0..<inputs { mean += matrix[index * (inputs + 1)] / Float(inputs) }
        // Inputs that were zero throughout: the identity, which is plain rounding.
        let added = mean > 1e-30 && mean.isFinite ? mean * Self.damping : 1
        for index in 0..<inputs { matrix[index * (inputs + 1)] += added }
        let factor = CholeskyFactor(matrix, size: inputs, least: added * 0.01)
        self.inputs = inputs
        influence = [Float](unsafeUninitializedCapacity: inputs * inputs) { out, filled in
            factor.lower.withUnsafeBufferPointer { lower in
                for row in 0..<inputs {
                    let inverse = 1 / lower[row * (inputs + 1)]
                    for column in 0..<inputs {
                        out[row * inputs + column] = column > row ? lower[column * inputs + row] * inverse : 0
                    }
                }
            }
            filled = inputs * inputs
        }
    }

    /// - Parameter values: row-major, [rows * inputs].
    /// - Returns: as `Quantiser.quantise`: the same scales, other integers.
    package func quantise(_ values: UnsafeBufferPointer<Float>, rows: Int) -> (q: [Int8], scale: [Float]) {
        precondition(values.count == rows * inputs, "weights of \(inputs) inputs")
        var scale = [Float](repeating: 1, count: rows)
        var q = [Int8](repeating: 0, count: values.count)
        // One output a lane.
        var errors = [SIMD16<Float>](repeating: SIMD16<Float>(), count: inputs)
        for begin in stride(from: 0, to: rows, by: Self.lanes) {
            let count = min(Self.lanes, rows - begin)
            var steps = SIMD16<Float>(repeating: 1), inverses = SIMD16<Float>()
            for lane in 0..<count {
                let row = values[(begin + lane) * inputs..<(begin + lane + 1) * inputs]
                let largest = row.reduce(0) { max($0, abs($1)) }
                guard largest > 1e-30 else { continue }
                steps[lane] = largest / 127
                inverses[lane] = 127 / largest
                scale[begin + lane] = steps[lane]
            }
            errors.withUnsafeMutableBufferPointer { errors in
                influence.withUnsafeBufferPointer { influence in
                    for input in stride(from: inputs - 1, through: 0, by: -1) {
                        var weights = SIMD16<Float>()
                        for lane in 0..<count { weights[lane] = values[(begin + lane) * inputs + input] }
                        let wanted = weights + pull(on: input, errors, influence)
                        let rounded = (wanted * inverses).rounded(.toNearestOrEven)
                            .clamped(lowerBound: SIMD16(repeating: -127), upperBound: SIMD16(repeating: 127))
                        errors[input] = weights - rounded * steps
                        for lane in 0..<count { q[(begin + lane) * inputs + input] = Int8(rounded[lane]) }
                    }
                }
            }
        }
        return (q, scale)
    }

    /// What the errors behind `input` are worth at it.
    @inline(__always)
    private func pull(
        on input: Int, _ errors: UnsafeMutableBufferPointer<SIMD16<Float>>, _ influence: UnsafeBufferPointer<Float>
    ) -> SIMD16<Float> {
        var sums = (SIMD16<Float>(), SIMD16<Float>())
        let row = input * inputs
        var other = input + 1
        while other + 2 <= inputs {
            sums.0 += errors[other] * influence[row + other]
            sums.1 += errors[other + 1] * influence[row + other + 1]
            other += 2
        }
        if other < inputs { sums.0 += errors[other] * influence[row + other] }
        return sums.0 + sums.1
    }
}
