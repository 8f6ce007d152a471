internal import CMartletProtos
internal import MartletCore

extension ClassifyRequest {
    init(_ request: Martlet__V1__ClassifyRequest) throws(MartletError) {
        self.init(
            model: try ModelReference(request.model, "model"),
            inputs: try TextInput.list(request.n_inputs, request.inputs),
            overflow: try OverflowPolicy(request.overflow), topK: Int(request.top_k),
            returnLogits: request.return_logits != 0)
    }

    func build(in arena: Arena) -> UnsafeMutablePointer<Martlet__V1__ClassifyRequest> {
        let request = arena.make(martlet__v1__classify_request__init)
        request.pointee.model = model.build(in: arena)
        request.pointee.n_inputs = inputs.count
        request.pointee.inputs = arena.list(inputs) { $0.build(in: arena) }
        request.pointee.overflow = overflow.wire
        request.pointee.top_k = UInt32(clamping: topK)
        request.pointee.return_logits = returnLogits ? 1 : 0
        return request
    }
}

extension ClassifyAnswer {
    init(_ response: Martlet__V1__ClassifyResponse) throws(MartletError) {
        let elements = CField.elements(response.n_results, response.results)
        var results: [TextResult] = []
        results.reserveCapacity(elements.count)
        for (index, element) in elements.enumerated() {
            guard let element else { continue }
            results.append(try TextResult(element, index: index))
        }
        self.init(
            model: try ModelIdentity(response.model), results: results, timing: try CallTiming(response.timing))
    }

    func build(in arena: Arena) -> UnsafeMutablePointer<Martlet__V1__ClassifyResponse> {
        let response = arena.make(martlet__v1__classify_response__init)
        response.pointee.model = model.build(in: arena)
        response.pointee.n_results = results.count
        response.pointee.results = arena.list(results) { $0.build(in: arena) }
        response.pointee.timing = timing.build(in: arena)
        return response
    }
}

extension TextResult {
    fileprivate init(_ pointer: UnsafeMutablePointer<Martlet__V1__TextResult>, index: Int) throws(MartletError) {
        let result = pointer.pointee
        self.init(
            scores: try LabelScore.list(result.n_scores, result.scores, "results[\(index)].scores"),
            logits: CField.scalars(result.n_logits, result.logits),
            tokensRead: try CField.integer(result.tokens_read, "results[\(index)].tokens_read"),
            tokensTotal: try CField.integer(result.tokens_total, "results[\(index)].tokens_total"),
            truncated: result.truncated != 0, windows: Int(result.windows))
    }

    fileprivate func build(in arena: Arena) -> UnsafeMutablePointer<Martlet__V1__TextResult> {
        let result = arena.make(martlet__v1__text_result__init)
        result.pointee.n_scores = scores.count
        result.pointee.scores = arena.list(scores) { $0.build(in: arena) }
        result.pointee.n_logits = logits.count
        result.pointee.logits = arena.values(logits) { $0 }
        result.pointee.tokens_read = UInt64(clamping: tokensRead)
        result.pointee.tokens_total = UInt64(clamping: tokensTotal)
        result.pointee.truncated = truncated ? 1 : 0
        result.pointee.windows = UInt32(clamping: windows)
        return result
    }
}
