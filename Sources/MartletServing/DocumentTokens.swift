internal import Synchronization
internal import MartletCore
internal import MartletText

/// A document's tokenizer and window maker, handed from job to job: one job of a document runs at a time.
final class DocumentTokens: Sendable {
    private struct State {
        var tokenizer: StreamingTokenizer
        var windows: WindowMaker
        var ids: [Int32] = []
        var spans: [TextSpan] = []
    }

    /// Room for tokens that is kept from one job to the next.
    private static let keptTokensMax = 32_768

    private let state: Mutex<State>

    init(tokenizer: BertTokenizer, windowTokens: Int, strideTokens: Int) throws(MartletError) {
        state = Mutex(
            State(
                tokenizer: StreamingTokenizer(tokenizer),
                windows: try WindowMaker(
                    windowTokens: windowTokens, strideTokens: strideTokens, cls: tokenizer.clsID, sep: tokenizer.sepID))
        )
    }

    /// The windows that `bytes` complete.
    /// - Throws: `.invalidArgument` with the byte's offset when the document is not UTF-8.
    func append(_ bytes: [UInt8]) throws(MartletError) -> [Window] {
        try state.withLock { state throws(MartletError) in
            try state.tokenizer.append(bytes, ids: &state.ids, spans: &state.spans)
            return Self.windows(&state)
        }
    }

    /// The windows that the document's end completes.
    func finish() throws(MartletError) -> [Window] {
        try state.withLock { state throws(MartletError) in
            try state.tokenizer.finish(ids: &state.ids, spans: &state.spans)
            var windows = Self.windows(&state)
            if let last = state.windows.finish() { windows.append(last) }
            return windows
        }
    }

    private static func windows(_ state: inout State) -> [Window] {
        defer {
            // What a chunk of nothing but punctuation took is given back: a document in wait holds little.
            let isLarge = state.ids.capacity > keptTokensMax
            state.ids.removeAll(keepingCapacity: !isLarge)
            state.spans.removeAll(keepingCapacity: !isLarge)
        }
        return state.windows.append(state.ids, state.spans)
    }
}
