internal import CMartletProtos
internal import CProtobufC
package import MartletCore

extension MessageCodec {
    package func decodeTEIEmbedRequest(
        _ bytes: [UInt8]
    ) throws(MartletError) -> (text: String, options: TEI.EmbedOptions) {
        try decode(bytes, as: "EmbedRequest", with: tei__v1__embed_request__unpack) { (request) throws(MartletError) in
            let isNormalized =
                request.normalize_presence_case != TEI__V1__EMBED_REQUEST__NORMALIZE_PRESENCE_NORMALIZE
                || request.normalize != 0
            let hasDimensions =
                request.dimensions_presence_case == TEI__V1__EMBED_REQUEST__DIMENSIONS_PRESENCE_DIMENSIONS
            let hasPrompt =
                request.prompt_name_presence_case == TEI__V1__EMBED_REQUEST__PROMPT_NAME_PRESENCE_PROMPT_NAME
            guard !hasDimensions || request.dimensions > 0 else {
                throw MartletError(.invalidArgument, "dimensions is 0; leave it out for all of them")
            }
            return (
                try CField.text(request.inputs, "inputs"),
                TEI.EmbedOptions(
                    overflow: try OverflowPolicy(request.truncate, request.truncation_direction),
                    normalize: isNormalized, dimensions: hasDimensions ? Int(request.dimensions) : 0,
                    promptName: hasPrompt ? try CField.text(request.prompt_name, "prompt_name") : nil)
            )
        }
    }

    package func decodeTEIEmbedAllRequest(
        _ bytes: [UInt8]
    ) throws(MartletError) -> (text: String, options: TEI.EmbedOptions) {
        try decode(bytes, as: "EmbedAllRequest", with: tei__v1__embed_all_request__unpack) {
            (request) throws(MartletError) in
            let hasPrompt =
                request.prompt_name_presence_case == TEI__V1__EMBED_ALL_REQUEST__PROMPT_NAME_PRESENCE_PROMPT_NAME
            return (
                try CField.text(request.inputs, "inputs"),
                // TEI gives the vectors of tokens as the model makes them.
                TEI.EmbedOptions(
                    overflow: try OverflowPolicy(request.truncate, request.truncation_direction), normalize: false,
                    promptName: hasPrompt ? try CField.text(request.prompt_name, "prompt_name") : nil)
            )
        }
    }

    package func decodeTEIPredictRequest(
        _ bytes: [UInt8]
    ) throws(MartletError) -> (input: TextInput, options: TEI.PredictOptions) {
        try decode(bytes, as: "PredictRequest", with: tei__v1__predict_request__unpack) {
            (request) throws(MartletError) in
            (
                TextInput(try CField.text(request.inputs, "inputs")),
                try TEI.PredictOptions(
                    request.truncate, request.truncation_direction, rawScores: request.raw_scores)
            )
        }
    }

    package func decodeTEIPredictPairRequest(
        _ bytes: [UInt8]
    ) throws(MartletError) -> (input: TextInput, options: TEI.PredictOptions) {
        try decode(bytes, as: "PredictPairRequest", with: tei__v1__predict_pair_request__unpack) {
            (request) throws(MartletError) in
            guard request.n_inputs == 2, let inputs = request.inputs else {
                throw MartletError(.invalidArgument, "inputs has \(request.n_inputs) texts; a pair has exactly two")
            }
            return (
                TextInput(
                    try CField.text(inputs[0], "inputs[0]"), pair: try CField.text(inputs[1], "inputs[1]")),
                try TEI.PredictOptions(
                    request.truncate, request.truncation_direction, rawScores: request.raw_scores)
            )
        }
    }

    package func decodeTEIRerankRequest(_ bytes: [UInt8]) throws(MartletError) -> TEI.RerankRequest {
        try decode(bytes, as: "RerankRequest", with: tei__v1__rerank_request__unpack) {
            (request) throws(MartletError) in
            TEI.RerankRequest(
                query: try CField.text(request.query, "query"),
                texts: try CField.texts(request.n_texts, request.texts, "texts"),
                options: try TEI.PredictOptions(
                    request.truncate, request.truncation_direction, rawScores: request.raw_scores),
                returnText: request.return_text != 0)
        }
    }

    /// One text of a rerank stream, as a request of that text.
    package func decodeTEIRerankStreamRequest(_ bytes: [UInt8]) throws(MartletError) -> TEI.RerankRequest {
        try decode(bytes, as: "RerankStreamRequest", with: tei__v1__rerank_stream_request__unpack) {
            (request) throws(MartletError) in
            TEI.RerankRequest(
                query: try CField.text(request.query, "query"), texts: [try CField.text(request.text, "text")],
                options: try TEI.PredictOptions(
                    request.truncate, request.truncation_direction, rawScores: request.raw_scores),
                returnText: request.return_text != 0)
        }
    }

    package func decodeTEIEncodeRequest(
        _ bytes: [UInt8]
    ) throws(MartletError) -> (text: String, addSpecialTokens: Bool, promptName: String?) {
        try decode(bytes, as: "EncodeRequest", with: tei__v1__encode_request__unpack) {
            (request) throws(MartletError) in
            let hasPrompt =
                request.prompt_name_presence_case == TEI__V1__ENCODE_REQUEST__PROMPT_NAME_PRESENCE_PROMPT_NAME
            return (
                try CField.text(request.inputs, "inputs"), request.add_special_tokens != 0,
                hasPrompt ? try CField.text(request.prompt_name, "prompt_name") : nil
            )
        }
    }

    package func decodeTEIDecodeRequest(
        _ bytes: [UInt8]
    ) throws(MartletError) -> (ids: [Int32], skipSpecialTokens: Bool) {
        try decode(bytes, as: "DecodeRequest", with: tei__v1__decode_request__unpack) {
            (request) throws(MartletError) in
            var ids: [Int32] = []
            for (index, id) in CField.scalars(request.n_ids, request.ids).enumerated() {
                ids.append(try TokenIDs.number(id, "ids[\(index)]"))
            }
            return (ids, request.skip_special_tokens != 0)
        }
    }
}

extension OverflowPolicy {
    /// TEI's two fields: a long text is an error unless `truncate` is set.
    fileprivate init(_ truncate: protobuf_c_boolean, _ direction: Tei__V1__TruncationDirection) throws(MartletError) {
        switch direction {
        case TEI__V1__TRUNCATION_DIRECTION__TRUNCATION_DIRECTION_RIGHT: self = .truncateRight
        case TEI__V1__TRUNCATION_DIRECTION__TRUNCATION_DIRECTION_LEFT: self = .truncateLeft
        default: throw CField.unknownEnum(direction.rawValue, "truncation_direction")
        }
        if truncate == 0 { self = .error }
    }
}

extension TEI.PredictOptions {
    fileprivate init(
        _ truncate: protobuf_c_boolean, _ direction: Tei__V1__TruncationDirection, rawScores: protobuf_c_boolean
    ) throws(MartletError) {
        self.init(overflow: try OverflowPolicy(truncate, direction), rawScores: rawScores != 0)
    }
}
