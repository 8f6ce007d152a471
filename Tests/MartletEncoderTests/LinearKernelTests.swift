import CMartletKernels
import MartletTestSupport
import Testing

/// Shapes that hurt: one of everything, one more than a tile, depths that are multiples of nothing.
struct LinearShape: Sendable, CustomTestStringConvertible {
    let rows: Int, cols: Int, depth: Int
    var testDescription: String { "\(rows) x \(cols) x \(depth)" }

    static let awkward: [LinearShape] = {
        var shapes: [LinearShape] = []
        for rows in Array(1...14) + [23, 24, 25, 37] { shapes.append(LinearShape(rows: rows, cols: 33, depth: 37)) }
        for rows in [39, 40, 41, 48, 53] { shapes.append(LinearShape(rows: rows, cols: 96, depth: 37)) }
        for depth in [1, 3, 4, 5, 31, 64, 129] { shapes.append(LinearShape(rows: 5, cols: 64, depth: depth)) }
        for cols in [1, 7, 31, 32, 65] { shapes.append(LinearShape(rows: 13, cols: cols, depth: 20)) }
        return shapes
    }()
}

@Suite("Linear kernels")
struct LinearKernelTests {
    enum Values: CaseIterable { case random, largest, opposite }

    @Test("int8 agrees with the reference bit for bit", arguments: LinearShape.awkward, Values.allCases)
    func int8(shape: LinearShape, values: Values) {
        var seed = SeededGenerator(seed: UInt64(shape.rows * 10_000 + shape.cols * 100 + shape.depth))
        let panels = roundedUp(shape.cols, to: 32) / 32
        let stride = roundedUp(shape.depth, to: 32)
        let weights = (0..<shape.cols * shape.depth).map { _ -> Int8 in
            switch values {
            case .random: Int8.random(in: -127...127, using: &seed)
            case .largest: 127
            case .opposite: -127
            }
        }
        for atEnd in [true, false] {
            let packed = GuardedBuffer(martlet_packed_s8_bytes(shape.cols, shape.depth), atEnd: atEnd) { _ in Int8(0) }
            let sums = GuardedBuffer(panels * 32, atEnd: atEnd) { _ in Float(0) }
            martlet_pack_s8(packed.base, sums.base, weights, shape.cols, shape.depth)
            let scales = GuardedBuffer(panels * 32, atEnd: atEnd) {
                $0 < shape.cols ? Float.random(in: 0.001...0.01, using: &seed) : 0
            }
            let bias = GuardedBuffer(panels * 32, atEnd: atEnd) {
                $0 < shape.cols ? Float.random(in: -1...1, using: &seed) : 0
            }
            var linear = martlet_linear_s8(
                weights: packed.base, column_sums: sums.base, scales: scales.base, bias: bias.base,
                depth4: (shape.depth + 3) / 4, panels: panels, next: nil)
            let bytes = GuardedBuffer(shape.rows * stride, atEnd: atEnd) { _ in
                values == .random ? UInt8.random(in: 0...255, using: &seed) : 255
            }
            let rowScales = GuardedBuffer(shape.rows, atEnd: atEnd) { _ in Float.random(in: 0.001...0.1, using: &seed) }
            let zeros = GuardedBuffer(shape.rows, atEnd: atEnd) { _ in Float(Int.random(in: 0...255, using: &seed)) }
            var rows = martlet_quantized_rows(
                values: bytes.base, scales: rowScales.base, zeros: zeros.base, stride: stride)
            let before = (0..<shape.rows * panels * 32).map { _ in Float.random(in: -1...1, using: &seed) }
            for mode in [MARTLET_STORE, MARTLET_ACCUMULATE] {
                func run(_ features: UInt32) -> [UInt32] {
                    let out = GuardedBuffer(before.count, atEnd: atEnd) { before[$0] }
                    kernelTable(features: features).gemm_s8(out.base, panels * 32, &rows, &linear, shape.rows, mode)
                    return out.bits
                }
                let expected = run(0)
                for features in fastFeatures { #expect(run(features) == expected, "features \(features)") }
            }
        }
    }

    @Test("the reference is the sum written down, also where every product is the largest")
    func int8Definition() {
        let depth = 4096, cols = 3
        let weights = [Int8](repeating: -127, count: cols * depth)
        let packed = GuardedBuffer(martlet_packed_s8_bytes(cols, depth), atEnd: true) { _ in Int8(0) }
        let sums = GuardedBuffer(32, atEnd: true) { _ in Float(0) }
        martlet_pack_s8(packed.base, sums.base, weights, cols, depth)
        let columnSum = Float(-127 * 4096)
        #expect(Array(sums.array.prefix(4)) == [columnSum, columnSum, columnSum, 0])
        let ones = GuardedBuffer<Float>(32, atEnd: true) { $0 < cols ? 1 : 0 }
        let none = GuardedBuffer<Float>(32, atEnd: true) { _ in 0 }
        var linear = martlet_linear_s8(
            weights: packed.base, column_sums: sums.base, scales: ones.base, bias: none.base,
            depth4: depth / 4, panels: 1, next: nil)
        let bytes = GuardedBuffer(depth, atEnd: true) { _ in UInt8(255) }
        let scale = GuardedBuffer(1, atEnd: true) { _ in Float(1) }
        let zero = GuardedBuffer(1, atEnd: true) { _ in Float(0) }
        var rows = martlet_quantized_rows(values: bytes.base, scales: scale.base, zeros: zero.base, stride: depth)
        for features in [0] + fastFeatures {
            let out = GuardedBuffer(32, atEnd: true) { _ in Float(9) }
            kernelTable(features: features).gemm_s8(out.base, 32, &rows, &linear, 1, MARTLET_STORE)
            let sum = Float(-255 * 127 * 4096)
            #expect(Array(out.array.prefix(4)) == [sum, sum, sum, 0])
        }
    }

    @Test("float agrees with the reference bit for bit", arguments: LinearShape.awkward)
    func float(shape: LinearShape) {
        var seed = SeededGenerator(seed: UInt64(shape.rows * 10_000 + shape.cols * 100 + shape.depth))
        let panels = roundedUp(shape.cols, to: 32) / 32
        let stride = roundedUp(shape.depth, to: 32)
        let weights = (0..<shape.cols * shape.depth).map { _ in Float.random(in: -1...1, using: &seed) }
        for atEnd in [true, false] {
            let floats = martlet_packed_f32_floats(shape.cols, shape.depth)
            let packed = GuardedBuffer<Float>(floats, atEnd: atEnd) { _ in 0 }
            martlet_pack_f32(packed.base, weights, shape.cols, shape.depth)
            let bias = GuardedBuffer(panels * 32, atEnd: atEnd) { _ in Float.random(in: -1...1, using: &seed) }
            var linear = martlet_linear_f32(
                weights: packed.base, bias: bias.base, depth: shape.depth, panels: panels)
            let rows = GuardedBuffer(shape.rows * stride, atEnd: atEnd) { _ in Float.random(in: -1...1, using: &seed) }
            for mode in [MARTLET_STORE, MARTLET_ACCUMULATE] {
                func run(_ features: UInt32) -> [UInt32] {
                    let out = GuardedBuffer(shape.rows * panels * 32, atEnd: atEnd) { Float($0 % 7) }
                    kernelTable(features: features).gemm_f32(
                        out.base, panels * 32, rows.base, stride, &linear, shape.rows, mode)
                    return out.bits
                }
                let expected = run(0)
                for features in fastFeatures { #expect(run(features) == expected, "features \(features)") }
            }
        }
    }
}
