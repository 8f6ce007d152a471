package import MartletCore
internal import MartletRollout
internal import MartletScheduling
internal import MartletText

extension InferenceServer {
    package func tokenize(
        _ request: TokenizeRequest, context: CallContext
    ) async throws(MartletError) -> TokenizeAnswer {
        try RequestCheck(limits: limits).check(request)
        let lease = try await manager.leaseWaking(
            request.model, for: context.metadata, deadline: context.deadline
        ).lease
        let bytes = request.inputs.reduce(0) { $0 + $1.text.utf8.count + ($1.pair?.utf8.count ?? 0) }
        let results = try await pool.perform(
            costTokens: InferenceWork.tokenizingCost(bytes: bytes), priority: .interactive, deadline: context.deadline
        ) { [limits] () throws(MartletError) in
            var size = 0
            var results: [[Token]] = []
            for input in request.inputs {
                let tokens = lease.loaded.tokenizer.tokens(of: input, addSpecialTokens: request.addSpecialTokens)
                size += tokens.reduce(0) { $0 + $1.text.utf8.count + Self.tokenBytes }
                guard size <= limits.messageBytesMax else {
                    throw MartletError(
                        .invalidArgument,
                        "the answer would have more than \(results.reduce(0) { $0 + $1.count }) tokens, about \(size) "
                            + "bytes, and \(limits.messageBytesMax) is the limit (messageBytesMax); send fewer or "
                            + "shorter texts")
                }
                results.append(tokens)
            }
            return results
        }
        return TokenizeAnswer(model: lease.identity, results: results)
    }

    /// About what a token takes in a message beside its text: an id, a type and four offsets.
    private static let tokenBytes = 24

    package func detokenize(
        _ request: DetokenizeRequest, context: CallContext
    ) async throws(MartletError) -> DetokenizeAnswer {
        try RequestCheck(limits: limits).check(request)
        let lease = try await manager.leaseWaking(
            request.model, for: context.metadata, deadline: context.deadline
        ).lease
        let tokenizer = lease.loaded.tokenizer
        let ids = request.sequences.reduce(0) { $0 + $1.count }
        let texts = try await pool.perform(
            costTokens: InferenceWork.tokenizingCost(bytes: ids), priority: .interactive, deadline: context.deadline
        ) { [limits] () throws(MartletError) in
            // A short id may stand for a long piece: the sum is known before any text is made.
            var bytes = 0
            for (number, sequence) in request.sequences.enumerated() {
                try Self.check(sequence, of: "sequences[\(number)].ids", against: tokenizer)
                bytes += tokenizer.textBytesMax(of: sequence)
            }
            guard bytes <= limits.messageBytesMax else {
                throw MartletError(
                    .invalidArgument,
                    "the answer could have \(bytes) bytes, and \(limits.messageBytesMax) is the limit "
                        + "(messageBytesMax); send fewer tokens")
            }
            var texts: [String] = []
            for sequence in request.sequences {
                texts.append(try tokenizer.text(of: sequence, skipSpecialTokens: request.skipSpecialTokens))
            }
            return texts
        }
        return DetokenizeAnswer(model: lease.identity, texts: texts)
    }
}
