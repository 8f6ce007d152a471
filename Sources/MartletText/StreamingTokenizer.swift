package import MartletCore

/// Turns a text that arrives in chunks into tokens, each as soon as nothing that follows can change it.
///
/// However the text is cut, also inside a character, the tokens and spans are those of the whole text. What is kept
/// between two chunks is at most one word, a run of marks and the start of an added token: it never grows with the
/// text, and time is linear in it.
package struct StreamingTokenizer: Sendable {
    private var scanner: WordScanner
    /// Bytes that could not be decided yet.
    private var pending: [UInt8] = []
    private var failure: MartletError?
    private var isFinished = false

    package init(_ tokenizer: BertTokenizer) { scanner = WordScanner(tokenizer.rules) }

    /// Bytes received so far.
    package var bytesReceived: Int { scanner.bytesConsumed + pending.count }

    /// Memory in bytes that the state between two chunks holds: the word being read, the marks behind its last
    /// character, and bytes whose meaning is still open.
    package var stateBytes: Int { pending.capacity + scanner.stateBytes }

    /// Reads the next chunk and appends the tokens that are final. Spans count from the start of the text.
    ///
    /// - Throws: `.invalidArgument` with the byte's offset when the text is not UTF-8. Tokens before that place may
    ///   have been appended. The tokenizer then throws the same error again.
    package mutating func append(
        _ bytes: [UInt8], ids: inout [Int32], spans: inout [TextSpan]
    ) throws(MartletError) {
        try advance(bytes, isLast: false, ids: &ids, spans: &spans)
    }

    /// Ends the text and appends its last tokens.
    ///
    /// - Throws: `.invalidArgument` when the text ends inside a character.
    package mutating func finish(ids: inout [Int32], spans: inout [TextSpan]) throws(MartletError) {
        try advance([], isLast: true, ids: &ids, spans: &spans)
        isFinished = true
    }

    private mutating func advance(
        _ bytes: [UInt8], isLast: Bool, ids: inout [Int32], spans: inout [TextSpan]
    ) throws(MartletError) {
        if let failure { throw failure }
        guard !isFinished else {
            throw MartletError(.failedPrecondition, "the document has ended already")
        }
        var tokens = TokenList(keepsSpans: true)
        swap(&tokens.ids, &ids)
        swap(&tokens.spans, &spans)
        defer {
            swap(&tokens.ids, &ids)
            swap(&tokens.spans, &spans)
        }
        do {
            if pending.isEmpty {
                let consumed = try scan(bytes, isLast: isLast, into: &tokens)
                pending = Array(bytes[consumed...])
            } else {
                // A new array for the rest: the old one keeps room for the whole chunk.
                let joined = pending + bytes
                let consumed = try scan(joined, isLast: isLast, into: &tokens)
                pending = Array(joined[consumed...])
            }
        } catch {
            let what = error.isTruncated ? "ends inside a character that starts" : "is not UTF-8"
            let error = MartletError(.invalidArgument, "the document \(what) at byte \(error.byteOffset)")
            failure = error
            throw error
        }
    }

    private mutating func scan(
        _ bytes: [UInt8], isLast: Bool, into tokens: inout TokenList
    ) throws(WordScanner.InvalidUTF8) -> Int {
        try bytes.withUnsafeBufferPointer { (bytes) throws(WordScanner.InvalidUTF8) in
            try scanner.scan(bytes, isLast: isLast, into: &tokens)
        }
    }
}
