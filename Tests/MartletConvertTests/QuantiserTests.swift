import MartletArtifact
import MartletConvert
import MartletTestSupport
import Testing

@Suite("Quantiser")
struct QuantiserTests {
    private func quantise(_ values: [Float], rows: Int) -> (q: [Int8], scale: [Float]) {
        values.withUnsafeBufferPointer { Quantiser.quantise($0, rows: rows) }
    }

    @Test("keeps every value to half a step of its row, and the largest exactly at 127")
    func halfStep() {
        var random = SeededGenerator(seed: 3)
        let rows = 9
        let columns = 33
        let values = (0..<(rows * columns)).map { Float($0 / columns + 1) * random.normal() }
        let (q, scale) = quantise(values, rows: rows)
        for row in 0..<rows {
            let range = (row * columns)..<((row + 1) * columns)
            #expect(range.map { abs(Int(q[$0])) }.max() == 127)
            for place in range {
                #expect(abs(Float(q[place]) * scale[row] - values[place]) <= scale[row] * 0.50001)
            }
        }
    }

    @Test("gives rows of zeros and of numbers too small a scale above zero")
    func zeroRows() {
        let (q, scale) = quantise([0, 0, 1e-38, -.leastNonzeroMagnitude, .leastNonzeroMagnitude, 0], rows: 3)
        #expect(q == [0, 0, 0, 0, 0, 0])
        #expect(scale == [1, 1, 1])
    }

    @Test("takes the largest floats")
    func extremes() {
        let (q, scale) = quantise([.greatestFiniteMagnitude, -.greatestFiniteMagnitude], rows: 1)
        #expect(q == [127, -127])
        #expect(scale[0].isFinite)
    }
}
