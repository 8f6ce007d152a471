/// Rows of text with aligned columns.
package struct Table {
    package enum Alignment { case left, right }

    private let headings: [String]
    private let alignments: [Alignment]
    private var rows: [[String]] = []

    /// - Parameter columns: a heading and an alignment for each; all headings empty: no heading line.
    package init(_ columns: [(String, Alignment)]) {
        headings = columns.map(\.0)
        alignments = columns.map(\.1)
    }

    /// Cells beyond the columns are left out, missing ones are empty.
    package mutating func append(_ cells: [String]) {
        rows.append(headings.indices.map { $0 < cells.count ? cells[$0] : "" })
    }

    package var isEmpty: Bool { rows.isEmpty }

    /// Lines without spaces at their ends; two spaces between columns.
    package func lines(for output: Output? = nil) -> [String] {
        let hasHeadings = headings.contains { !$0.isEmpty }
        let widths = headings.indices.map { column in
            max(headings[column].count, rows.map { $0[column].count }.max() ?? 0)
        }
        func line(_ cells: [String]) -> String {
            var text = ""
            for column in cells.indices {
                let space = String(repeating: " ", count: widths[column] - cells[column].count)
                if column > 0 { text += "  " }
                text += alignments[column] == .right ? space + cells[column] : cells[column] + space
            }
            while text.last == " " { text.removeLast() }
            return text
        }
        let heading = hasHeadings ? [output?.styled(line(headings), .bold) ?? line(headings)] : []
        return heading + rows.map(line)
    }
}
