import CMartletKernels
import Foundation
import MartletTestSupport
import Testing

/// What quantisation wrote, floats as bits.
struct QuantizedBits: Equatable {
    let values: [UInt8]
    let scales: [UInt32]
    let zeros: [Float]
}

@Suite("Row kernels")
struct RowKernelTests {
    static let widths = [1, 15, 16, 17, 31, 32, 33, 48, 64, 66, 95, 96, 128, 130, 384]

    /// Rows with a zero pad; row 0 is all zeros, row 1 constant, row 2 far from zero, the rest random.
    private func rows(_ count: Int, _ cols: Int, atEnd: Bool, _ seed: inout SeededGenerator) -> GuardedBuffer<Float> {
        let stride = roundedUp(cols, to: 32)
        var random = seed
        let buffer = GuardedBuffer<Float>(count * stride, atEnd: atEnd) { index in
            guard index % stride < cols else { return 0 }
            switch index / stride {
            case 0: return 0
            case 1: return 0.7
            case 2: return Float.random(in: 1000...1001, using: &random)
            case 3: return Float.random(in: -1e-35...1e-35, using: &random)
            default: return Float.random(in: -6...6, using: &random)
            }
        }
        seed = random
        return buffer
    }

    private func quantized(
        _ count: Int, _ cols: Int, atEnd: Bool, _ body: (inout martlet_quantized_rows) -> Void
    ) -> QuantizedBits {
        let stride = roundedUp(cols, to: 32)
        let values = GuardedBuffer(count * stride, atEnd: atEnd) { _ in UInt8(1) }
        let scales = GuardedBuffer(count, atEnd: atEnd) { _ in Float(0) }
        let zeros = GuardedBuffer(count, atEnd: atEnd) { _ in Float(0) }
        var rows = martlet_quantized_rows(values: values.base, scales: scales.base, zeros: zeros.base, stride: stride)
        body(&rows)
        return QuantizedBits(values: values.array, scales: scales.bits, zeros: zeros.array)
    }

    @Test("quantisation agrees with the reference", arguments: widths, [true, false])
    func quantise(cols: Int, atEnd: Bool) {
        var seed = SeededGenerator(seed: UInt64(cols))
        let stride = roundedUp(cols, to: 32)
        let input = rows(7, cols, atEnd: atEnd, &seed)
        func run(_ features: UInt32) -> QuantizedBits {
            quantized(7, cols, atEnd: atEnd) {
                kernelTable(features: features).quantize_rows(&$0, input.base, stride, 7, cols, nil)
            }
        }
        let expected = run(0)
        for features in fastFeatures { #expect(run(features) == expected, "features \(features)") }
        // Half a step at most from the value itself, zero exactly.
        for row in 0..<7 {
            let scale = Float(bitPattern: expected.scales[row]), zero = expected.zeros[row]
            for column in 0..<cols {
                let back = scale * (Float(expected.values[row * stride + column]) - zero)
                #expect(abs(back - input.base[row * stride + column]) <= 0.51 * scale)
            }
        }
    }

    @Test("quantisation of NaN and infinity gives some bytes and does not trap")
    func quantiseNotFinite() {
        for features in [0] + fastFeatures {
            let input = GuardedBuffer<Float>(64, atEnd: true) { [.nan, .infinity, -.infinity, 1][$0 % 4] }
            let result = quantized(2, 32, atEnd: true) {
                kernelTable(features: features).quantize_rows(&$0, input.base, 32, 2, 32, nil)
            }
            #expect(result.zeros.allSatisfy { (0...255).contains($0) })
        }
    }

    @Test("layer normalisation agrees with the reference", arguments: widths, [true, false])
    func layerNorm(cols: Int, atEnd: Bool) {
        var seed = SeededGenerator(seed: UInt64(cols))
        let stride = roundedUp(cols, to: 32)
        let input = rows(7, cols, atEnd: atEnd, &seed).array
        let gamma = GuardedBuffer<Float>(stride, atEnd: atEnd) {
            $0 < cols ? Float.random(in: 0.5...2, using: &seed) : 0
        }
        let beta = GuardedBuffer<Float>(stride, atEnd: atEnd) { $0 < cols ? Float.random(in: -1...1, using: &seed) : 0 }
        func run(_ features: UInt32) -> (rows: [UInt32], quantized: QuantizedBits) {
            let buffer = GuardedBuffer(input.count, atEnd: atEnd) { input[$0] }
            let bytes = quantized(7, cols, atEnd: atEnd) {
                kernelTable(features: features).layer_norm(
                    buffer.base, stride, 7, cols, gamma.base, beta.base, 1e-5, nil, &$0)
            }
            return (buffer.bits, bytes)
        }
        let expected = run(0)
        for features in fastFeatures {
            let result = run(features)
            #expect(result.rows == expected.rows, "features \(features)")
            #expect(result.quantized == expected.quantized, "features \(features)")
        }
        for row in 4..<7 {
            let values = (0..<cols).map { Double(input[row * stride + $0]) }
            let mean = values.reduce(0, +) / Double(cols)
            let variance = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(cols)
            for column in 0..<cols {
                let exact = (values[column] - mean) / (variance + 1e-5).squareRoot() * Double(gamma.base[column])
                    + Double(beta.base[column])
                let value = Double(Float(bitPattern: expected.rows[row * stride + column]))
                #expect(abs(value - exact) < 2e-5)
            }
        }
    }

    @Test(
        "activations agree with the reference and with their formulas", arguments: [0, 1, 2, 3], [true, false])
    func activate(number: UInt32, scaled: Bool) {
        let activation = martlet_activation(rawValue: number)
        let cols = 4_001, stride = roundedUp(cols, to: 32)
        let input = (0..<stride).map { $0 < cols ? Float($0 - 2_000) / 200 : 0 } // -10...10
        let scale = GuardedBuffer<Float>(stride, atEnd: true) { $0 < cols ? 1 + Float($0 % 5) / 4 : 0 }
        func run(_ features: UInt32) -> [Float] {
            let buffer = GuardedBuffer(stride, atEnd: true) { input[$0] }
            kernelTable(features: features).activate(
                buffer.base, stride, 1, cols, activation, scaled ? UnsafePointer(scale.base) : nil, nil)
            return buffer.array
        }
        let expected = run(0)
        for features in fastFeatures {
            #expect(run(features).map(\.bitPattern) == expected.map(\.bitPattern), "features \(features)")
        }
        var worst = 0.0
        for column in 0..<cols {
            let x = Double(input[column])
            let exact =
                switch activation {
                case MARTLET_GELU_ERF: 0.5 * x * (1 + erf(x / 2.0.squareRoot()))
                case MARTLET_GELU_TANH: 0.5 * x * (1 + tanh((2 / Double.pi).squareRoot() * (x + 0.044715 * x * x * x)))
                case MARTLET_RELU: max(0, x)
                default: tanh(x)
                }
            let factor = scaled ? Double(scale.base[column]) : 1
            worst = max(worst, abs(Double(expected[column]) - exact * factor))
        }
        #expect(worst < 1.5e-6)
        #expect(expected[2_000] == 0)
    }

    @Test("embedding agrees with the reference", arguments: [1, 16, 20, 66, 96], [true, false])
    func embed(cols: Int, int8: Bool) {
        var seed = SeededGenerator(seed: UInt64(cols))
        let stride = roundedUp(cols, to: 32)
        let bytes = GuardedBuffer(11 * cols, atEnd: false) { _ in Int8.random(in: -127...127, using: &seed) }
        let scales = GuardedBuffer(11, atEnd: false) { _ in Float.random(in: 0.01...0.1, using: &seed) }
        let words = GuardedBuffer(11 * cols, atEnd: false) { _ in Float.random(in: -1...1, using: &seed) }
        let positions = GuardedBuffer(5 * cols, atEnd: false) { _ in Float.random(in: -1...1, using: &seed) }
        let types = GuardedBuffer(2 * cols, atEnd: false) { _ in Float.random(in: -1...1, using: &seed) }
        var tables = martlet_embeddings(
            words_s8: int8 ? UnsafePointer(bytes.base) : nil, word_scales: scales.base, words_f32: words.base,
            positions: positions.base, types: types.base, cols: cols)
        let ids: [Int32] = [3, 0, 10, 10, 1], typeIDs: [Int32] = [0, 0, 1, 1, 0]
        func run(_ features: UInt32) -> [UInt32] {
            let out = GuardedBuffer<Float>(5 * stride, atEnd: true) { _ in 7 }
            kernelTable(features: features).embed(out.base, stride, &tables, ids, typeIDs, 5)
            return out.bits
        }
        let expected = run(0)
        for features in fastFeatures { #expect(run(features) == expected, "features \(features)") }
        #expect((cols..<stride).allSatisfy { expected[$0] == 0 })
    }
}
