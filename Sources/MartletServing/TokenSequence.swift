internal import MartletCore
internal import MartletText

/// A text as the encoder reads it: token ids with special tokens, cut where the caller allowed it.
struct TokenSequence: Sendable {
    var ids: [Int32]
    /// Parallel to `ids`; empty when all are 0.
    var typeIDs: [Int32] = []
    /// Before anything was cut.
    var tokensTotal: Int

    /// Reads one input of a request.
    /// - Parameters:
    ///   - number: its place in the request, for messages.
    ///   - wayOut: what to do about a text that is too long.
    /// - Throws: `.invalidArgument` for too many tokens unless `overflow` cuts them, and for what the model is too
    ///   small for.
    init(
        _ input: TextInput, overflow: OverflowPolicy, number: Int, model: ServedModel, wayOut: String
    ) throws(MartletError) {
        // The common case needs no offsets: ids alone are several times cheaper.
        if input.pair == nil {
            var ids = [model.tokenizer.clsID]
            model.tokenizer.tokenIDs(input.text, into: &ids)
            ids.append(model.tokenizer.sepID)
            if ids.count <= model.maxTokens {
                self.init(ids: ids, tokensTotal: ids.count)
                return
            }
        }
        let side: TruncationSide = overflow == .truncateLeft ? .left : .right
        let encoding = model.tokenizer.encode(input, tokensMax: model.maxTokens, cutting: side)
        self.init(ids: encoding.ids, typeIDs: encoding.typeIDs, tokensTotal: encoding.tokensTotal)
        try checkCut(overflow, number, model, wayOut)
        try checkFit(number, model)
    }

    /// Puts the model's special tokens around `tokens`, which are in its vocabulary.
    /// - Parameters and errors: as above.
    init(
        tokens: [Int32], overflow: OverflowPolicy, number: Int, model: ServedModel, wayOut: String
    ) throws(MartletError) {
        let kept = min(tokens.count, max(0, model.maxTokens - 2))
        let range = Truncation.range(of: tokens.count, keeping: kept, overflow == .truncateLeft ? .left : .right)
        self.init(
            ids: [model.tokenizer.clsID] + tokens[range] + [model.tokenizer.sepID], tokensTotal: tokens.count + 2)
        try checkCut(overflow, number, model, wayOut)
        try checkFit(number, model)
    }

    /// What is whole already.
    init(ids: [Int32], typeIDs: [Int32] = [], tokensTotal: Int) {
        self.ids = ids
        self.typeIDs = typeIDs
        self.tokensTotal = tokensTotal
    }

    private func checkCut(
        _ overflow: OverflowPolicy, _ number: Int, _ model: ServedModel, _ wayOut: String
    ) throws(MartletError) {
        guard ids.count < tokensTotal, overflow == .error || overflow == .window else { return }
        throw MartletError(
            .invalidArgument,
            "inputs[\(number)] has \(tokensTotal) tokens and \(model.maxTokens) is the model's limit; \(wayOut)")
    }

    /// Looked at here, one by one: what the encoder refuses fails its whole batch, other callers' texts too.
    private func checkFit(_ number: Int, _ model: ServedModel) throws(MartletError) {
        let types = typeIDs.max() ?? 0
        guard ids.count <= model.maxTokens, types < model.tokenTypes else {
            throw MartletError(
                .invalidArgument,
                "inputs[\(number)]: this model reads \(model.maxTokens) tokens of \(model.tokenTypes) types, "
                    + "too few for " + (types > 0 ? "a pair; send one text" : "any text"))
        }
    }
}
