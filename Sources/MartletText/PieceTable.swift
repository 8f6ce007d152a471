/// Pieces by id: their bytes end to end.
struct PieceTable: Sendable {
    private var bytes: [UInt8] = []
    /// Where each piece starts and, last, where all end: [pieces + 1].
    private var starts: [Int32] = [0]

    /// - Parameter pieces: dense ids from 0, in any order.
    init(_ pieces: [(piece: [UInt8], id: Int32)], followedBy added: [[UInt8]]) {
        var sorted = [[UInt8]](repeating: [], count: pieces.count)
        for (piece, id) in pieces where sorted.indices.contains(Int(id)) { sorted[Int(id)] = piece }
        bytes.reserveCapacity(sorted.reduce(0) { $0 + $1.count })
        starts.reserveCapacity(sorted.count + added.count + 1)
        for piece in sorted + added {
            bytes.append(contentsOf: piece)
            starts.append(Int32(clamping: bytes.count))
        }
    }

    var count: Int { starts.count - 1 }

    /// Nil for an id that there is not.
    subscript(_ id: Int32) -> ArraySlice<UInt8>? {
        guard id >= 0, Int(id) < count else { return nil }
        return bytes[Int(starts[Int(id)])..<Int(starts[Int(id) + 1])]
    }
}
