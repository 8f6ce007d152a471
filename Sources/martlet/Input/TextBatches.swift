import Foundation

/// The texts that a command was given on its command line, in a file or on standard input, in lists for a call each.
struct TextBatches {
    /// Texts in one call: enough to fill a batch, few enough that answers come soon.
    private static let textsPerCall = 64

    private var given: ArraySlice<String>
    private var lines: LineReader?

    /// - Parameter file: read when there are no texts; nil and `-` are standard input.
    init(texts: [String], file: String?) throws(CommandFailure) {
        given = texts[...]
        lines = try texts.isEmpty ? LineReader(path: file ?? "-") : nil
    }

    /// The next texts; nil at the end. A line that is there is not held back for lines that may come much later.
    mutating func next() throws(CommandFailure) -> [String]? {
        var texts: [String] = []
        while texts.count < Self.textsPerCall {
            if !texts.isEmpty, let lines, !lines.hasLine { break }
            guard let text = try nextText() else { break }
            // A blank line of a file is no text; one given on the command line is a mistake worth an answer.
            if lines != nil, text.allSatisfy(\.isWhitespace) { continue }
            texts.append(text)
        }
        return texts.isEmpty ? nil : texts
    }

    private mutating func nextText() throws(CommandFailure) -> String? {
        if let text = given.popFirst() { return text }
        return try lines?.next()
    }
}
