/// The lower triangle L with L Lᵀ = A, for a symmetric matrix A whose pivots stay above zero.
///
/// Sums run in a fixed order in 32-bit floats, so that the same matrix gives the same bits on every machine.
/// - SeeAlso: Golub and Van Loan, Matrix Computations, section 4.2: block Cholesky by columns.
package struct CholeskyFactor {
    /// Columns factored at once; their rows stay in cache while the rest is brought up to date.
    private static let block = 64

    package let size: Int
    /// Row-major, [size * size]; what stands above the diagonal means nothing.
    package private(set) var lower: [Float]

    /// - Parameters:
    ///   - matrix: row-major, [size * size]; read at and below the diagonal.
    ///   - least: smallest pivot; a smaller one is raised to it, which keeps the rest finite.
    package init(_ matrix: [Float], size: Int, least: Float) {
        precondition(matrix.count == size * size, "a square matrix")
        self.size = size
        lower = matrix
        lower.withUnsafeMutableBufferPointer { buffer in
            guard let values = buffer.baseAddress else { return }
            var begin = 0
            while begin < size {
                let end = min(begin + Self.block, size)
                Self.factor(values, size, begin..<end, least)
                Self.update(values, size, begin..<end)
                begin = end
            }
        }
    }

    /// Columns `panel` of all rows at and below them, which earlier panels were already taken from.
    private static func factor(
        _ values: UnsafeMutablePointer<Float>, _ size: Int, _ panel: Range<Int>, _ least: Float
    ) {
        for row in panel.lowerBound..<size {
            let own = values + row * size
            for column in panel.lowerBound..<min(row, panel.upperBound) {
                let other = values + column * size
                var sum = own[column]
                for place in panel.lowerBound..<column { sum -= own[place] * other[place] }
                own[column] = sum / other[column]
            }
            guard row < panel.upperBound else { continue }
            var pivot = own[row]
            for place in panel.lowerBound..<row { pivot -= own[place] * own[place] }
            own[row] = max(pivot, least).squareRoot()
        }
    }

    /// Takes the panel's part from everything behind it: A[i][j] -= L[i] · L[j] over the panel's columns.
    private static func update(_ values: UnsafeMutablePointer<Float>, _ size: Int, _ panel: Range<Int>) {
        for row in panel.upperBound..<max(panel.upperBound, size) {
            let own = values + row * size
            var column = panel.upperBound
            while column <= row {
                // Four columns share each load of the row; columns past the diagonal are written and never read.
                let count = min(4, size - column)
                var sums = (SIMD8<Float>(), SIMD8<Float>(), SIMD8<Float>(), SIMD8<Float>())
                func other(_ index: Int) -> UnsafeMutablePointer<Float> {
                    values + (column + min(index, count - 1)) * size
                }
                let (first, second, third, fourth) = (other(0), other(1), other(2), other(3))
                var place = panel.lowerBound
                while place + 8 <= panel.upperBound {
                    let mine = eight(own + place)
                    sums.0 += mine * eight(first + place)
                    sums.1 += mine * eight(second + place)
                    sums.2 += mine * eight(third + place)
                    sums.3 += mine * eight(fourth + place)
                    place += 8
                }
                // A panel that is not a multiple of eight is the last, and nothing stands behind it.
                own[column] -= sums.0.sum()
                if count > 1 { own[column + 1] -= sums.1.sum() }
                if count > 2 { own[column + 2] -= sums.2.sum() }
                if count > 3 { own[column + 3] -= sums.3.sum() }
                column += 4
            }
        }
    }

    @inline(__always)
    private static func eight(_ pointer: UnsafeMutablePointer<Float>) -> SIMD8<Float> {
        UnsafeRawPointer(pointer).loadUnaligned(as: SIMD8<Float>.self)
    }
}
