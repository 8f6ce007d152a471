import MartletConvert
import MartletTestSupport
import Testing

@Suite("Cholesky factor")
struct CholeskyFactorTests {
    /// B Bᵀ + I of random B, which is far from singular.
    private func matrix(_ size: Int) -> [Float] {
        var random = SeededGenerator(seed: UInt64(size))
        let root = (0..<(size * size)).map { _ in random.normal() }
        return (0..<(size * size)).map { place in
            let (row, column) = (place / size, place % size)
            let low = min(row, column), high = max(row, column)
            return (0..<size).reduce(low == high ? 1 : 0) { $0 + root[low * size + $1] * root[high * size + $1] }
        }
    }

    /// The definition, in doubles.
    private func reference(_ matrix: [Float], _ size: Int) -> [Double] {
        var lower = [Double](repeating: 0, count: size * size)
        for row in 0..<size {
            for column in 0...row {
                var sum = Double(matrix[row * size + column])
                for place in 0..<column { sum -= lower[row * size + place] * lower[column * size + place] }
                lower[row * size + column] = row == column ? sum.squareRoot() : sum / lower[column * size + column]
            }
        }
        return lower
    }

    @Test("is the definition's, to 1e-3 of the largest element", arguments: [1, 2, 7, 63, 64, 65, 130, 200])
    func agrees(size: Int) {
        let matrix = matrix(size)
        let factor = CholeskyFactor(matrix, size: size, least: 1e-6)
        let expected = reference(matrix, size)
        let largest = expected.map(abs).max() ?? 0
        for row in 0..<size {
            for column in 0...row {
                let place = row * size + column
                #expect(abs(Double(factor.lower[place]) - expected[place]) <= 1e-3 * largest)
            }
        }
    }

    @Test("stays finite for a matrix of rank one and for zeros")
    func singular() {
        let size = 70
        let ones = CholeskyFactor([Float](repeating: 1, count: size * size), size: size, least: 0.01)
        let zeros = CholeskyFactor([Float](repeating: 0, count: size * size), size: size, least: 0.01)
        for row in 0..<size {
            for column in 0...row {
                #expect(ones.lower[row * size + column].isFinite)
                #expect(zeros.lower[row * size + column] == (row == column ? Float(0.01).squareRoot() : 0))
            }
        }
    }
}
