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
        var queueUs: UInt64
        var tokenizeUs: UInt64
        var computeUs: UInt64
        var batchComputeUs: UInt64
        var callUs: UInt64
        var lastUsedMs: Int

        init(_ model: ModelStatistics) {
            name = model.name
            version = model.version
            calls = model.calls
            failures = model.failures
            texts = model.texts
            batches = model.batches
            tokens = model.tokens
            queueUs = model.queue.wholeMicroseconds
            tokenizeUs = model.tokenize.wholeMicroseconds
            computeUs = model.compute.wholeMicroseconds
            batchComputeUs = model.batchCompute.wholeMicroseconds
            callUs = model.callTime.wholeMicroseconds
            lastUsedMs = model.lastUsedMilliseconds
        }
    }
}
