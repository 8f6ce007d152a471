import MartletConvert
import MartletTestSupport
import Testing

@Suite("Compensated rounding")
struct CompensatedRoundingTests {
    private let inputs = 45
    private let rows = 37

    private func weights() -> [Float] {
        var random = SeededGenerator(seed: 31)
        return (0..<(rows * inputs)).map { _ in random.normal() }
    }

    /// Mean of x xᵀ of inputs that share a strong common part.
    private func gram() -> [Float] {
        var random = SeededGenerator(seed: 32)
        var sums = [Float](repeating: 0, count: inputs * inputs)
        for _ in 0..<400 {
            let common = 2 * random.normal()
            let x = (0..<inputs).map { _ in common + random.normal() }
            for place in sums.indices { sums[place] += x[place / inputs] * x[place % inputs] / 400 }
        }
        return sums
    }

    /// Sum over rows of eᵀ H e.
    private func outputError(_ q: [Int8], _ scale: [Float], _ weights: [Float], _ gram: [Float]) -> Double {
        (0..<rows).reduce(0) { total, row in
            let error = (0..<inputs).map { input in
                weights[row * inputs + input] - Float(q[row * inputs + input]) * scale[row]
            }
            return total + gram.indices.reduce(0.0) {
                $0 + Double(gram[$1] * error[$1 / inputs] * error[$1 % inputs])
            }
        }
    }

    @Test("rounds to the nearest step where inputs do not vary together")
    func identity() {
        var gram = [Float](repeating: 0, count: inputs * inputs)
        for index in 0..<inputs { gram[index * (inputs + 1)] = 3 }
        let weights = weights()
        weights.withUnsafeBufferPointer { values in
            let nearest = Quantiser.quantise(values, rows: rows)
            let compensated = CompensatedRounding(gram: gram, inputs: inputs).quantise(values, rows: rows)
            #expect(compensated.q == nearest.q)
            #expect(compensated.scale == nearest.scale)
        }
    }

    @Test("makes the output's error less than a third of nearest rounding's where they do, with the same scales")
    func correlated() {
        let weights = weights(), gram = gram()
        weights.withUnsafeBufferPointer { values in
            let nearest = Quantiser.quantise(values, rows: rows)
            let compensated = CompensatedRounding(gram: gram, inputs: inputs).quantise(values, rows: rows)
            #expect(compensated.scale == nearest.scale)
            #expect(compensated.q.allSatisfy { $0 >= -127 })
            let before = outputError(nearest.q, nearest.scale, weights, gram)
            let after = outputError(compensated.q, compensated.scale, weights, gram)
            print("output error \(before) nearest, \(after) compensated")
            #expect(after < before / 3)
        }
    }

    @Test("an input scale is as good as inputs that were scaled before")
    func scaled() {
        let weights = weights(), gram = gram()
        let scale = (0..<inputs).map { $0 % 2 == 0 ? Float(0.5) : 4 }
        var scaledGram = gram
        for place in gram.indices { scaledGram[place] *= scale[place / inputs] * scale[place % inputs] }
        weights.withUnsafeBufferPointer { values in
            let one = CompensatedRounding(gram: gram, inputs: inputs, scale: scale).quantise(values, rows: rows)
            let other = CompensatedRounding(gram: scaledGram, inputs: inputs).quantise(values, rows: rows)
            #expect(one.q == other.q)
        }
    }

    @Test("takes zeros: inputs that were never awake, and a row without weights")
    func zeros() {
        let zeroGram = [Float](repeating: 0, count: inputs * inputs)
        var weights = weights()
        for input in 0..<inputs { weights[2 * inputs + input] = 0 }
        weights.withUnsafeBufferPointer { values in
            let (q, scale) = CompensatedRounding(gram: zeroGram, inputs: inputs).quantise(values, rows: rows)
            #expect(q == Quantiser.quantise(values, rows: rows).q)
            #expect(scale[2] == 1)
            #expect(q[(2 * inputs)..<(3 * inputs)].allSatisfy { $0 == 0 })
        }
    }
}
