internal import CMartletProtos
package import MartletCore

extension MessageCodec {
    package func decodeClassifyRequest(_ bytes: [UInt8]) throws(MartletError) -> ClassifyRequest {
        try decode(bytes, as: "ClassifyRequest", with: martlet__v1__classify_request__unpack) {
            (request) throws(MartletError) in
            guard let overflow = OverflowPolicy(request.overflow) else {
                throw CField.unknownEnum(request.overflow.rawValue, "overflow")
            }
            let elements = CField.elements(request.n_inputs, request.inputs)
            var inputs: [TextInput] = []
            inputs.reserveCapacity(elements.count)
            for (index, element) in elements.enumerated() {
                guard let element = element?.pointee else { continue }
                var input = TextInput(try CField.text(element.text, "inputs[\(index)].text"))
                if element.second_case == MARTLET__V1__TEXT_INPUT__SECOND_PAIR {
                    input.pair = try CField.text(element.pair, "inputs[\(index)].pair")
                }
                inputs.append(input)
            }
            return ClassifyRequest(
                model: try ModelReference(request.model, "model"), inputs: inputs, overflow: overflow,
                topK: Int(request.top_k), returnLogits: request.return_logits != 0)
        }
    }

    package func encode(_ request: ClassifyRequest) -> [UInt8] {
        encode { arena in
            let message = arena.make(martlet__v1__classify_request__init)
            message.pointee.model = request.model.build(in: arena)
            message.pointee.n_inputs = request.inputs.count
            message.pointee.inputs = arena.list(request.inputs) { input in
                let element = arena.make(martlet__v1__text_input__init)
                element.pointee.text = arena.copy(input.text)
                if let pair = input.pair {
                    element.pointee.second_case = MARTLET__V1__TEXT_INPUT__SECOND_PAIR
                    element.pointee.pair = arena.copy(pair)
                }
                return element
            }
            message.pointee.overflow = request.overflow.wire
            message.pointee.top_k = UInt32(clamping: request.topK)
            message.pointee.return_logits = request.returnLogits ? 1 : 0
            return message
        }
    }

    package func decodeClassifyAnswer(_ bytes: [UInt8]) throws(MartletError) -> ClassifyAnswer {
        try decode(bytes, as: "ClassifyResponse", with: martlet__v1__classify_response__unpack) {
            (response) throws(MartletError) in
            let elements = CField.elements(response.n_results, response.results)
            var results: [TextResult] = []
            results.reserveCapacity(elements.count)
            for (index, element) in elements.enumerated() {
                guard let element else { continue }
                results.append(try TextResult(element, index: index))
            }
            return ClassifyAnswer(
                model: try ModelIdentity(response.model), results: results, timing: try CallTiming(response.timing))
        }
    }

    package func encode(_ answer: ClassifyAnswer) -> [UInt8] {
        encode { arena in
            let message = arena.make(martlet__v1__classify_response__init)
            message.pointee.model = answer.model.build(in: arena)
            message.pointee.n_results = answer.results.count
            message.pointee.results = arena.list(answer.results) { $0.build(in: arena) }
            message.pointee.timing = answer.timing.build(in: arena)
            return message
        }
    }
}

extension TextResult {
    fileprivate init(_ pointer: UnsafeMutablePointer<Martlet__V1__TextResult>, index: Int) throws(MartletError) {
        let result = pointer.pointee
        self.init(
            scores: try LabelScore.list(result.n_scores, result.scores, "results[\(index)].scores"),
            logits: Array(UnsafeBufferPointer(start: result.logits, count: result.logits == nil ? 0 : result.n_logits)),
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

extension OverflowPolicy {
    fileprivate init?(_ wire: Martlet__V1__Overflow) {
        guard let policy = Self.allCases.first(where: { $0.wire == wire }) else { return nil }
        self = policy
    }

    fileprivate var wire: Martlet__V1__Overflow {
        switch self {
        case .error: MARTLET__V1__OVERFLOW__OVERFLOW_ERROR
        case .truncateRight: MARTLET__V1__OVERFLOW__OVERFLOW_TRUNCATE_RIGHT
        case .truncateLeft: MARTLET__V1__OVERFLOW__OVERFLOW_TRUNCATE_LEFT
        case .window: MARTLET__V1__OVERFLOW__OVERFLOW_WINDOW
        }
    }
}
