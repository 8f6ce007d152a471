internal import CMartletProtos
package import MartletCore

extension MessageCodec {
    package func decodeEmbedRequest(_ bytes: [UInt8]) throws(MartletError) -> EmbedRequest {
        try decode(bytes, as: "EmbedRequest", with: martlet__v1__embed_request__unpack) {
            (request) throws(MartletError) in
            let elements = CField.elements(request.n_inputs, request.inputs)
            var inputs: [EmbedInput] = []
            inputs.reserveCapacity(elements.count)
            for (index, element) in elements.enumerated() {
                guard let element = element?.pointee else { continue }
                inputs.append(try EmbedInput(element, index: index))
            }
            return EmbedRequest(
                model: try ModelReference(request.model, "model"), inputs: inputs,
                overflow: try OverflowPolicy(request.overflow), normalize: request.skip_normalize == 0,
                dimensions: Int(request.dimensions), perToken: request.per_token != 0)
        }
    }

    package func encode(_ request: EmbedRequest) -> [UInt8] {
        encode { arena in
            let message = arena.make(martlet__v1__embed_request__init)
            message.pointee.model = request.model.build(in: arena)
            message.pointee.n_inputs = request.inputs.count
            message.pointee.inputs = arena.list(request.inputs) { $0.build(in: arena) }
            message.pointee.overflow = request.overflow.wire
            message.pointee.skip_normalize = request.normalize ? 0 : 1
            message.pointee.dimensions = UInt32(clamping: request.dimensions)
            message.pointee.per_token = request.perToken ? 1 : 0
            return message
        }
    }

    package func decodeEmbedAnswer(_ bytes: [UInt8]) throws(MartletError) -> EmbedAnswer {
        try decode(bytes, as: "EmbedResponse", with: martlet__v1__embed_response__unpack) {
            (response) throws(MartletError) in
            let elements = CField.elements(response.n_results, response.results)
            var results: [EmbedResult] = []
            results.reserveCapacity(elements.count)
            for (index, element) in elements.enumerated() {
                guard let element = element?.pointee else { continue }
                results.append(try EmbedResult(element, index: index))
            }
            return EmbedAnswer(
                model: try ModelIdentity(response.model), results: results, timing: try CallTiming(response.timing))
        }
    }

    package func encode(_ answer: EmbedAnswer) -> [UInt8] {
        encode { arena in
            let message = arena.make(martlet__v1__embed_response__init)
            message.pointee.model = answer.model.build(in: arena)
            message.pointee.n_results = answer.results.count
            message.pointee.results = arena.list(answer.results) { $0.build(in: arena) }
            message.pointee.timing = answer.timing.build(in: arena)
            return message
        }
    }
}

extension EmbedInput {
    fileprivate init(_ input: Martlet__V1__EmbedInput, index: Int) throws(MartletError) {
        switch input.kind_case {
        case MARTLET__V1__EMBED_INPUT__KIND_TEXT:
            self = .text(try CField.text(input.text, "inputs[\(index)].text"))
            return
        case MARTLET__V1__EMBED_INPUT__KIND_TOKEN_IDS:
            if let ids = input.token_ids?.pointee {
                self = .tokens(try TokenIDs.read(ids, "inputs[\(index)].token_ids"))
                return
            }
        default: break
        }
        throw MartletError(.invalidArgument, "inputs[\(index)] holds neither text nor token_ids")
    }

    fileprivate func build(in arena: Arena) -> UnsafeMutablePointer<Martlet__V1__EmbedInput> {
        let input = arena.make(martlet__v1__embed_input__init)
        switch self {
        case .text(let text):
            input.pointee.kind_case = MARTLET__V1__EMBED_INPUT__KIND_TEXT
            input.pointee.text = arena.copy(text)
        case .tokens(let ids):
            input.pointee.kind_case = MARTLET__V1__EMBED_INPUT__KIND_TOKEN_IDS
            input.pointee.token_ids = TokenIDs.build(ids, in: arena)
        }
        return input
    }
}

extension EmbedResult {
    fileprivate init(_ result: Martlet__V1__EmbedResult, index: Int) throws(MartletError) {
        self.init(
            values: CField.scalars(result.n_values, result.values), rows: Int(result.rows),
            tokensRead: try CField.integer(result.tokens_read, "results[\(index)].tokens_read"),
            tokensTotal: try CField.integer(result.tokens_total, "results[\(index)].tokens_total"),
            truncated: result.truncated != 0)
    }

    fileprivate func build(in arena: Arena) -> UnsafeMutablePointer<Martlet__V1__EmbedResult> {
        let result = arena.make(martlet__v1__embed_result__init)
        result.pointee.n_values = values.count
        result.pointee.values = arena.values(values) { $0 }
        result.pointee.rows = UInt32(clamping: rows)
        result.pointee.tokens_read = UInt64(clamping: tokensRead)
        result.pointee.tokens_total = UInt64(clamping: tokensTotal)
        result.pointee.truncated = truncated ? 1 : 0
        return result
    }
}
