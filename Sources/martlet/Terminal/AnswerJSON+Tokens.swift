import MartletCore

/// Vectors, tokens and counts.
extension AnswerJSON {
    /// One embedded text: a line of NDJSON.
    struct Vector: Encodable {
        var model: Identity
        var values: [Float]
        var tokensRead: Int
        var tokensTotal: Int
        var truncated: Bool
        var timing: Timing

        init(_ result: EmbedResult, of answer: EmbedAnswer) {
            model = Identity(answer.model)
            values = result.values
            tokensRead = result.tokensRead
            tokensTotal = result.tokensTotal
            truncated = result.truncated
            timing = Timing(answer.timing)
        }
    }

    /// The tokens of one text: a line of NDJSON.
    struct Tokens: Encodable {
        struct Token: Encodable {
            var id: Int32
            var text: String
            var special: Bool
            var typeId: Int32
            var span: Span?
        }

        var model: Identity
        var tokens: [Token]

        init(_ tokens: [MartletCore.Token], of answer: TokenizeAnswer) {
            model = Identity(answer.model)
            self.tokens = tokens.map {
                Token(id: $0.id, text: $0.text, special: $0.isSpecial, typeId: $0.typeID, span: $0.span.map(Span.init))
            }
        }
    }

    struct Statistics: Encodable {
        var name: String
        var version: Int
        var calls: Int
        var failures: Int
        var texts: Int
        var batches: Int
        var tokens: Int
        var queueUs: Int
        var tokenizeUs: Int
        var computeUs: Int
        var batchComputeUs: Int
        var callUs: Int
        var lastUsedMs: Int

        init(_ model: ModelStatistics) {
            func microseconds(_ duration: Duration) -> Int { Int((duration / .microseconds(1)).rounded()) }
            name = model.name
            version = model.version
            calls = model.calls
            failures = model.failures
            texts = model.texts
            batches = model.batches
            tokens = model.tokens
            queueUs = microseconds(model.queue)
            tokenizeUs = microseconds(model.tokenize)
            computeUs = microseconds(model.compute)
            batchComputeUs = microseconds(model.batchCompute)
            callUs = microseconds(model.callTime)
            lastUsedMs = model.lastUsedMilliseconds
        }
    }
}
