internal import CMartletProtos
internal import CProtobufC
package import MartletCore

extension MessageCodec {
    package func decodeTokenizeRequest(_ bytes: [UInt8]) throws(MartletError) -> TokenizeRequest {
        try decode(bytes, as: "TokenizeRequest", with: martlet__v1__tokenize_request__unpack) {
            (request) throws(MartletError) in
            TokenizeRequest(
                model: try ModelReference(request.model, "model"),
                inputs: try TextInput.list(request.n_inputs, request.inputs),
                addSpecialTokens: request.skip_special_tokens == 0)
        }
    }

    package func encode(_ request: TokenizeRequest) -> [UInt8] {
        encode { arena in
            let message = arena.make(martlet__v1__tokenize_request__init)
            message.pointee.model = request.model.build(in: arena)
            message.pointee.n_inputs = request.inputs.count
            message.pointee.inputs = arena.list(request.inputs) { $0.build(in: arena) }
            message.pointee.skip_special_tokens = request.addSpecialTokens ? 0 : 1
            return message
        }
    }

    package func decodeTokenizeAnswer(_ bytes: [UInt8]) throws(MartletError) -> TokenizeAnswer {
        try decode(bytes, as: "TokenizeResponse", with: martlet__v1__tokenize_response__unpack) {
            (response) throws(MartletError) in
            let lists = CField.elements(response.n_results, response.results)
            var results: [[Token]] = []
            results.reserveCapacity(lists.count)
            for (index, list) in lists.enumerated() {
                guard let list = list?.pointee else { continue }
                let elements = CField.elements(list.n_tokens, list.tokens)
                var tokens: [Token] = []
                tokens.reserveCapacity(elements.count)
                for (place, element) in elements.enumerated() {
                    guard let element = element?.pointee else { continue }
                    tokens.append(try Token(element, "results[\(index)].tokens[\(place)]"))
                }
                results.append(tokens)
            }
            return TokenizeAnswer(model: try ModelIdentity(response.model), results: results)
        }
    }

    package func encode(_ answer: TokenizeAnswer) -> [UInt8] {
        encode { arena in
            let message = arena.make(martlet__v1__tokenize_response__init)
            message.pointee.model = answer.model.build(in: arena)
            message.pointee.n_results = answer.results.count
            message.pointee.results = arena.list(answer.results) { tokens in
                let list = arena.make(martlet__v1__token_list__init)
                list.pointee.n_tokens = tokens.count
                list.pointee.tokens = arena.list(tokens) { $0.build(in: arena) }
                return list
            }
            return message
        }
    }

    package func decodeDetokenizeRequest(_ bytes: [UInt8]) throws(MartletError) -> DetokenizeRequest {
        try decode(bytes, as: "DetokenizeRequest", with: martlet__v1__detokenize_request__unpack) {
            (request) throws(MartletError) in
            let elements = CField.elements(request.n_sequences, request.sequences)
            var sequences: [[Int32]] = []
            sequences.reserveCapacity(elements.count)
            for (index, element) in elements.enumerated() {
                guard let element = element?.pointee else { continue }
                sequences.append(try TokenIDs.read(element, "sequences[\(index)]"))
            }
            return DetokenizeRequest(
                model: try ModelReference(request.model, "model"), sequences: sequences,
                skipSpecialTokens: request.keep_special_tokens == 0)
        }
    }

    package func encode(_ request: DetokenizeRequest) -> [UInt8] {
        encode { arena in
            let message = arena.make(martlet__v1__detokenize_request__init)
            message.pointee.model = request.model.build(in: arena)
            message.pointee.n_sequences = request.sequences.count
            message.pointee.sequences = arena.list(request.sequences) { TokenIDs.build($0, in: arena) }
            message.pointee.keep_special_tokens = request.skipSpecialTokens ? 0 : 1
            return message
        }
    }

    package func decodeDetokenizeAnswer(_ bytes: [UInt8]) throws(MartletError) -> DetokenizeAnswer {
        try decode(bytes, as: "DetokenizeResponse", with: martlet__v1__detokenize_response__unpack) {
            (response) throws(MartletError) in
            DetokenizeAnswer(
                model: try ModelIdentity(response.model),
                texts: try CField.texts(response.n_texts, response.texts, "texts"))
        }
    }

    package func encode(_ answer: DetokenizeAnswer) -> [UInt8] {
        encode { arena in
            let message = arena.make(martlet__v1__detokenize_response__init)
            message.pointee.model = answer.model.build(in: arena)
            message.pointee.n_texts = answer.texts.count
            message.pointee.texts = arena.values(answer.texts) { arena.copy($0) }
            return message
        }
    }
}

extension Token {
    fileprivate init(_ token: Martlet__V1__Token, _ field: @autoclosure () -> String) throws(MartletError) {
        var span: TextSpan?
        if token.span != nil { span = try TextSpan(token.span, "span") }
        self.init(
            id: try TokenIDs.number(token.id, "\(field()).id"), text: try CField.text(token.text, "\(field()).text"),
            isSpecial: token.special != 0, typeID: try TokenIDs.number(token.type_id, "\(field()).type_id"),
            span: span)
    }

    fileprivate func build(in arena: Arena) -> UnsafeMutablePointer<Martlet__V1__Token> {
        let token = arena.make(martlet__v1__token__init)
        token.pointee.id = UInt32(clamping: id)
        token.pointee.text = arena.copy(text)
        token.pointee.special = isSpecial ? 1 : 0
        token.pointee.type_id = UInt32(clamping: typeID)
        token.pointee.span = span?.build(in: arena)
        return token
    }
}
