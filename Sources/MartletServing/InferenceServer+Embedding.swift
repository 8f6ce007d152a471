package import MartletCore
internal import MartletRollout
internal import MartletScheduling
internal import MartletText

extension InferenceServer {
    package func embed(_ request: EmbedRequest, context: CallContext) async throws(MartletError) -> EmbedAnswer {
        try RequestCheck(limits: limits).check(request)
        // Nobody waits any more: nothing is computed.
        guard !Task.isCancelled else { throw MartletError(.cancelled, "the call was cancelled") }
        let routed = try await manager.leaseWaking(request.model, for: context.metadata, deadline: context.deadline)
        let answer = try await counted(routed.lease, context) { () async throws(MartletError) in
            try await embed(request, lease: routed.lease, priority: .interactive, context: context)
        }
        if let (lease, recorder) = routed.shadow {
            shadows.add(to: recorder, callerTime: answer.timing.total) { () async throws(MartletError) in
                let other = try await self.embed(request, lease: lease, priority: .shadow, context: CallContext())
                return AnswerComparison.compare(answer, other)
            }
        }
        return answer
    }

    private func embed(
        _ request: EmbedRequest, lease: Lease<ServedModel>, priority: WorkPriority, context: CallContext
    ) async throws(MartletError) -> EmbedAnswer {
        let form = try lease.loaded.form(of: request, named: lease.identity.name)
        try check(request, against: lease.loaded.tokenizer)
        var timing = CallTiming()
        let payloads = try await payloads(
            of: request, form: form, lease: lease, priority: priority, context: context, &timing)
        let ticket = AnswerTicket(count: payloads.count)
        try pool.submit(
            payloads.enumerated().map { index, payload in
                InferenceWork(
                    payload, lease: lease, costTokens: payload.costTokens(maxTokens: lease.loaded.maxTokens),
                    priority: priority, deadline: context.deadline, ticket: ticket, index: index, form: form)
            })
        let results = try await ticket.answers().map { answer in
            timing.add(answer)
            return EmbedResult(
                values: answer.values, rows: answer.values.count / form.dimensions,
                tokensRead: answer.tokensRead, tokensTotal: answer.tokensTotal,
                truncated: answer.tokensRead < answer.tokensTotal)
        }
        timing.total = context.arrival.duration(to: .now)
        return EmbedAnswer(model: lease.identity, results: results, timing: timing)
    }

    /// What the pool is given for each input. Vectors of tokens are as many as the tokens, so for those the texts are
    /// read first, and nothing is computed for an answer that is too large to send.
    private func payloads(
        of request: EmbedRequest, form: VectorForm, lease: Lease<ServedModel>, priority: WorkPriority,
        context: CallContext, _ timing: inout CallTiming
    ) async throws(MartletError) -> [InferenceWork.Payload] {
        let payloads = request.inputs.enumerated().map { number, input in
            switch input {
            case .text(let text):
                InferenceWork.Payload.text(TextInput(text), overflow: request.overflow, number: number)
            case .tokens(let ids): InferenceWork.Payload.tokens(ids, overflow: request.overflow, number: number)
            }
        }
        guard form.perToken else {
            try checkSize(texts: payloads.count, rows: payloads.count, form)
            return payloads
        }
        let bytes = payloads.reduce(0) { $0 + $1.textBytes }
        let (sequences, took) = try await pool.perform(
            costTokens: InferenceWork.tokenizingCost(bytes: bytes), priority: priority, deadline: context.deadline
        ) { () throws(MartletError) in
            let start = ContinuousClock.now
            var sequences: [TokenSequence] = []
            for payload in payloads {
                sequences.append(try payload.sequence(for: lease.loaded, wayOut: InferenceWork.wayOutOfVectors))
            }
            return (sequences, start.duration(to: .now))
        }
        timing.tokenize = took
        try checkSize(texts: sequences.count, rows: sequences.reduce(0) { $0 + $1.ids.count }, form)
        return sequences.map { .sequence($0) }
    }

    private func check(_ request: EmbedRequest, against tokenizer: BertTokenizer) throws(MartletError) {
        for (number, input) in request.inputs.enumerated() {
            guard case .tokens(let ids) = input else { continue }
            try Self.check(ids, of: "inputs[\(number)].token_ids", against: tokenizer)
        }
    }

    /// - Throws: `.invalidArgument` naming the first id outside the vocabulary.
    static func check(
        _ ids: [Int32], of field: @autoclosure () -> String, against tokenizer: BertTokenizer
    ) throws(MartletError) {
        guard let place = ids.firstIndex(where: { $0 < 0 || $0 >= tokenizer.vocabularySize }) else { return }
        throw MartletError(
            .invalidArgument,
            "\(field())[\(place)] is \(ids[place]); this model's token ids go from 0 to "
                + "\(tokenizer.vocabularySize - 1)")
    }

    /// At most what the counts beside a text's vectors take in a message, and what names the version and the times.
    private static let resultBytes = 32
    private static let identityBytes = 512

    /// Refuses an answer that no message can hold.
    private func checkSize(texts: Int, rows: Int, _ form: VectorForm) throws(MartletError) {
        let bytes =
            rows * form.dimensions * MemoryLayout<Float>.size + texts * Self.resultBytes + Self.identityBytes
        guard bytes <= limits.messageBytesMax else {
            throw MartletError(
                .invalidArgument,
                "the answer would have \(rows) vectors of \(form.dimensions) values, about \(bytes) bytes, and "
                    + "\(limits.messageBytesMax) is the limit (messageBytesMax); send fewer or shorter texts, or ask "
                    + "for fewer dimensions")
        }
    }
}

extension ServedModel {
    /// - Throws: `.failedPrecondition` for a model that gives no vectors, `.invalidArgument` for more dimensions than
    ///   it has.
    fileprivate func form(of request: EmbedRequest, named name: String) throws(MartletError) -> VectorForm {
        guard pooling != nil else {
            throw MartletError(
                .failedPrecondition,
                "model \(name) is for \(status.task) and gives no vectors; call Classify, or name a model for "
                    + ModelTask.embedding.rawValue)
        }
        let width = status.dimensions
        guard request.dimensions <= width else {
            throw MartletError(
                .invalidArgument,
                "dimensions is \(request.dimensions), and the vectors of model \(name) have \(width) values; ask for 1 "
                    + "to \(width), or 0 for all")
        }
        return VectorForm(
            perToken: request.perToken, dimensions: request.dimensions == 0 ? width : request.dimensions,
            normalize: request.normalize)
    }
}
