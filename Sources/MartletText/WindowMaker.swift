package import MartletCore

/// A stretch of a document that the model reads at once.
package struct Window: Sendable, Equatable {
    /// From 0.
    package var index: Int
    /// With `[CLS]` and `[SEP]`.
    package var ids: [Int32]
    /// From the start of its first text token to the end of its last.
    package var span: TextSpan
    /// Text tokens that no earlier window had.
    package var newTokens: Int
}

/// Cuts a stream of tokens into overlapping windows; keeps the tokens of one window.
///
/// Window `n` starts at text token `n * stride`. Every token is in some window, and the last window has at least one
/// token of its own: a document without tokens has no window.
package struct WindowMaker: Sendable {
    /// Text tokens of a full window.
    package let textTokensMax: Int
    /// Text tokens from the start of one window to the start of the next.
    package let strideTokens: Int
    private let cls: Int32
    private let sep: Int32
    private var ids: [Int32] = []
    private var spans: [TextSpan] = []
    /// Tokens at the front of `ids` that a window already had.
    private var coveredCount = 0
    private var nextIndex = 0

    /// - Parameters:
    ///   - windowTokens: tokens of a window, the two special tokens included; at least 3.
    ///   - strideTokens: from 1 to `windowTokens - 2`, so that no token is left out.
    /// - Throws: `.invalidArgument` naming the number that is out of range.
    package init(windowTokens: Int, strideTokens: Int, cls: Int32, sep: Int32) throws(MartletError) {
        guard windowTokens >= 3 else {
            throw MartletError(
                .invalidArgument,
                "window_tokens is \(windowTokens); a window needs at least 3: [CLS], one token of text and [SEP]")
        }
        let textTokensMax = windowTokens - 2
        guard (1...textTokensMax).contains(strideTokens) else {
            throw MartletError(
                .invalidArgument,
                "stride_tokens is \(strideTokens); with window_tokens \(windowTokens) it must be 1 to "
                    + "\(textTokensMax), the tokens of text in a window")
        }
        self.textTokensMax = textTokensMax
        self.strideTokens = strideTokens
        self.cls = cls
        self.sep = sep
    }

    /// Takes the next tokens and returns the windows they complete. `ids` and `spans` are parallel.
    package mutating func append(_ newIDs: [Int32], _ newSpans: [TextSpan]) -> [Window] {
        precondition(newIDs.count == newSpans.count, "every token has one span")
        var windows: [Window] = []
        var next = 0
        while next < newIDs.count {
            let count = min(textTokensMax - ids.count, newIDs.count - next)
            ids.append(contentsOf: newIDs[next..<next + count])
            spans.append(contentsOf: newSpans[next..<next + count])
            next += count
            if ids.count == textTokensMax {
                windows.append(window())
                ids.removeFirst(strideTokens)
                spans.removeFirst(strideTokens)
                coveredCount = ids.count
            }
        }
        return windows
    }

    /// Ends the document and returns its last window, when some tokens were in none yet.
    package mutating func finish() -> Window? {
        defer {
            ids.removeAll()
            spans.removeAll()
            coveredCount = 0
        }
        return ids.count > coveredCount ? window() : nil
    }

    /// All windows of a text that is tokenised already.
    package static func windows(
        of ids: [Int32], _ spans: [TextSpan], windowTokens: Int, strideTokens: Int, cls: Int32, sep: Int32
    ) throws(MartletError) -> [Window] {
        var maker = try WindowMaker(windowTokens: windowTokens, strideTokens: strideTokens, cls: cls, sep: sep)
        var windows = maker.append(ids, spans)
        if let last = maker.finish() { windows.append(last) }
        return windows
    }

    private mutating func window() -> Window {
        defer { nextIndex += 1 }
        var windowIDs: [Int32] = []
        windowIDs.reserveCapacity(ids.count + 2)
        windowIDs.append(cls)
        windowIDs.append(contentsOf: ids)
        windowIDs.append(sep)
        var span = spans.first ?? TextSpan(byteStart: 0, byteEnd: 0, characterStart: 0, characterEnd: 0)
        if let last = spans.last {
            span.byteEnd = last.byteEnd
            span.characterEnd = last.characterEnd
        }
        return Window(index: nextIndex, ids: windowIDs, span: span, newTokens: ids.count - coveredCount)
    }
}
