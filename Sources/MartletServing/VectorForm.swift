/// What a caller of `Embed` wants of an encoder's rows.
struct VectorForm: Sendable, Hashable {
    /// Every row, not the pooled one.
    var perToken: Bool
    /// Values to keep of each row, from the first.
    var dimensions: Int
    /// Rows of length 1; a row of zeros stays one.
    var normalize: Bool

    /// The rows as asked for, row-major [rows, dimensions].
    /// - Parameter rows: [rows, width], with a width of at least `dimensions`.
    func finish(_ rows: ArraySlice<Float>, width: Int) -> [Float] {
        precondition(width >= dimensions && dimensions > 0, "a row has the values that are kept of it")
        var values: [Float] = []
        values.reserveCapacity(rows.count / width * dimensions)
        for start in stride(from: rows.startIndex, to: rows.endIndex, by: width) {
            let row = rows[start..<start + dimensions]
            guard normalize else {
                values.append(contentsOf: row)
                continue
            }
            let square = row.reduce(0.0) { $0 + Double($1) * Double($1) }
            let scale = square > 0 ? 1 / square.squareRoot() : 0
            for value in row { values.append(Float(Double(value) * scale)) }
        }
        return values
    }
}
