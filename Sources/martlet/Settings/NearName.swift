/// The name somebody may have meant.
enum NearName {
    /// The one of `names` that is closest to `text`; nil when none is close.
    static func of(_ text: String, among names: some Collection<String>) -> String? {
        let close = names.min { distance($0, text) < distance($1, text) }
        return close.flatMap { distance($0, text) <= 4 ? $0 : nil }
    }

    /// What a message about `text` adds: `; did you mean 'threads'?`, or nothing.
    static func hint(for text: String, among names: some Collection<String>) -> String {
        of(text, among: names).map { "; did you mean '\($0)'?" } ?? ""
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
