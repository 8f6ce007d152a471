/// The known name that a wrong one was perhaps meant to be.
enum Suggestion {
    /// `; did you mean 'threads'?`, or nothing when no name is close.
    static func hint(for stranger: String, among known: some Sequence<String>) -> String {
        let close = known.map { (name: $0, distance: distance($0, stranger)) }.min { $0.distance < $1.distance }
        guard let close, close.distance <= 4, close.distance < stranger.count else { return "" }
        return "; did you mean '\(close.name)'?"
    }

    /// Edits between two short names (Levenshtein).
    private static func distance(_ left: String, _ right: String) -> Int {
        let right = Array(right.lowercased())
        var row = Array(0...right.count)
        for (i, character) in left.lowercased().enumerated() {
            var corner = row[0]
            row[0] = i + 1
            for j in right.indices {
                let change = corner + (character == right[j] ? 0 : 1)
                corner = row[j + 1]
                row[j + 1] = min(change, row[j] + 1, row[j + 1] + 1)
            }
        }
        return row[right.count]
    }
}
