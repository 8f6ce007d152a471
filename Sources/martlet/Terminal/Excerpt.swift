/// The user's own text, made fit for a terminal: nothing in it can move the cursor or change colours.
package enum Excerpt {
    /// One line: white space runs become one space, control characters become `·`.
    package static func oneLine(_ text: String) -> String {
        var line = ""
        var pendingSpace = false
        for scalar in text.unicodeScalars {
            if scalar.properties.isWhitespace {
                pendingSpace = !line.isEmpty
                continue
            }
            if pendingSpace { line.append(" ") }
            pendingSpace = false
            switch scalar.properties.generalCategory {
            case .control, .format, .surrogate, .unassigned, .privateUse: line.append("·")
            default: line.unicodeScalars.append(scalar)
            }
        }
        return line
    }

    /// Lines of at most `width` characters broken at spaces where there are any; at most `lines` of them, with the
    /// middle left out when there are more.
    package static func wrapped(_ text: String, width: Int, lines limit: Int) -> [String] {
        let width = max(8, width)
        var lines: [String] = []
        var line = ""
        for word in oneLine(text).split(separator: " ") {
            if !line.isEmpty, line.count + 1 + word.count > width {
                lines.append(line)
                line = ""
            }
            if !line.isEmpty { line.append(" ") }
            line.append(contentsOf: word)
            while line.count > width {
                lines.append(String(line.prefix(width)))
                line = String(line.dropFirst(width))
            }
        }
        if !line.isEmpty { lines.append(line) }
        guard lines.count > limit, limit >= 3 else { return Array(lines.prefix(limit)) }
        let tail = limit / 2
        let head = limit - tail - 1
        return lines.prefix(head) + ["… \(lines.count - head - tail) lines …"] + lines.suffix(tail)
    }
}
