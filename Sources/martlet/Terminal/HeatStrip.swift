/// The windows of a document as a row of blocks: the higher, the more the window speaks for the label looked for.
///
/// Holds at most `capacity` cells however long the document is: when they are full, two become one, and the hotter one
/// shows. So one hot window among a hundred thousand stays visible.
package struct HeatStrip {
    private let capacity: Int
    private var windowsPerCell = 1
    private var cells: [Float] = []
    private var inLastCell = 0

    /// - Parameter capacity: cells at most, at least 2.
    package init(capacity: Int) { self.capacity = max(2, capacity) }

    /// - Parameter heat: 0...1; anything else is brought into it.
    package mutating func append(_ heat: Float) {
        let clamped = heat.isFinite ? min(1, max(0, heat)) : 0
        if inLastCell > 0, inLastCell < windowsPerCell, let last = cells.last {
            cells[cells.count - 1] = max(last, clamped)
            inLastCell += 1
            return
        }
        if cells.count == capacity { fold() }
        if inLastCell > 0, inLastCell < windowsPerCell, let last = cells.last {
            cells[cells.count - 1] = max(last, clamped)
            inLastCell += 1
        } else {
            cells.append(clamped)
            inLastCell = 1
        }
    }

    private mutating func fold() {
        var folded: [Float] = []
        for index in stride(from: 0, to: cells.count, by: 2) {
            folded.append(index + 1 < cells.count ? max(cells[index], cells[index + 1]) : cells[index])
        }
        // The last cell was full; with an odd count it stands alone and can take as many again.
        inLastCell = cells.count % 2 == 1 ? windowsPerCell : windowsPerCell * 2
        windowsPerCell *= 2
        cells = folded
    }

    private static let blocks: [Character] = ["▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"]

    /// One character a cell, without colours.
    package var text: String { String(cells.map(Self.block)) }

    /// The same with the hot cells in red where `output` shows colours.
    package func text(for output: Output) -> String {
        guard output.colours else { return text }
        return cells.map { heat in
            let block = String(Self.block(heat))
            return heat >= 0.5 ? output.styled(block, .red) : heat >= 0.2 ? output.styled(block, .yellow) : block
        }.joined()
    }

    private static func block(_ heat: Float) -> Character {
        blocks[min(blocks.count - 1, Int(heat * Float(blocks.count)))]
    }
}
