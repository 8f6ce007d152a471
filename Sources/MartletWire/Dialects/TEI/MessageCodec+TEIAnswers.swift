internal import CMartletProtos
internal import CProtobufC
internal import MartletCore

extension MessageCodec {
    package func encodeTEIEmbedResponse(_ values: [Float], _ metadata: TEI.Metadata) -> [UInt8] {
        encode { arena in
            let message = arena.make(tei__v1__embed_response__init)
            message.pointee.n_embeddings = values.count
            message.pointee.embeddings = arena.values(values) { $0 }
            message.pointee.metadata = metadata.build(in: arena)
            return message
        }
    }

    /// - Parameter values: row-major [rows, values.count / rows].
    package func encodeTEIEmbedAllResponse(_ values: [Float], rows: Int, _ metadata: TEI.Metadata) -> [UInt8] {
        encode { arena in
            let width = rows > 0 ? values.count / rows : 0
            let message = arena.make(tei__v1__embed_all_response__init)
            message.pointee.n_token_embeddings = rows
            message.pointee.token_embeddings = arena.list(Array(0..<max(rows, 0))) { row in
                let vector = arena.make(tei__v1__token_embedding__init)
                vector.pointee.n_embeddings = width
                vector.pointee.embeddings = arena.values(Array(values[row * width..<(row + 1) * width])) { $0 }
                return vector
            }
            message.pointee.metadata = metadata.build(in: arena)
            return message
        }
    }

    package func encodeTEIPredictResponse(_ predictions: [TEI.Prediction], _ metadata: TEI.Metadata) -> [UInt8] {
        encode { arena in
            let message = arena.make(tei__v1__predict_response__init)
            message.pointee.n_predictions = predictions.count
            message.pointee.predictions = arena.list(predictions) { prediction in
                let element = arena.make(tei__v1__prediction__init)
                element.pointee.score = prediction.score
                element.pointee.label = arena.copy(prediction.label)
                return element
            }
            message.pointee.metadata = metadata.build(in: arena)
            return message
        }
    }

    package func encodeTEIRerankResponse(_ ranks: [TEI.Rank], _ metadata: TEI.Metadata) -> [UInt8] {
        encode { arena in
            let message = arena.make(tei__v1__rerank_response__init)
            message.pointee.n_ranks = ranks.count
            message.pointee.ranks = arena.list(ranks) { rank in
                let element = arena.make(tei__v1__rank__init)
                element.pointee.index = UInt32(clamping: rank.index)
                element.pointee.score = rank.score
                if let text = rank.text {
                    element.pointee.text_presence_case = TEI__V1__RANK__TEXT_PRESENCE_TEXT
                    element.pointee.text = arena.copy(text)
                }
                return element
            }
            message.pointee.metadata = metadata.build(in: arena)
            return message
        }
    }

    package func encodeTEIEncodeResponse(_ tokens: [TEI.SimpleToken]) -> [UInt8] {
        encode { arena in
            let message = arena.make(tei__v1__encode_response__init)
            message.pointee.n_tokens = tokens.count
            message.pointee.tokens = arena.list(tokens) { token in
                let element = arena.make(tei__v1__simple_token__init)
                element.pointee.id = UInt32(clamping: token.id)
                element.pointee.text = arena.copy(token.text)
                element.pointee.special = token.special ? 1 : 0
                if let range = token.range {
                    element.pointee.start_presence_case = TEI__V1__SIMPLE_TOKEN__START_PRESENCE_START
                    element.pointee.start = UInt32(clamping: range.lowerBound)
                    element.pointee.stop_presence_case = TEI__V1__SIMPLE_TOKEN__STOP_PRESENCE_STOP
                    element.pointee.stop = UInt32(clamping: range.upperBound)
                }
                return element
            }
            return message
        }
    }

    package func encodeTEIDecodeResponse(_ text: String) -> [UInt8] {
        encode { arena in
            let message = arena.make(tei__v1__decode_response__init)
            message.pointee.text = arena.copy(text)
            return message
        }
    }

    package func encode(_ info: TEI.Info) -> [UInt8] {
        encode { arena in
            let message = arena.make(tei__v1__info_response__init)
            message.pointee.version = arena.copy(info.version)
            message.pointee.model_id = arena.copy(info.modelID)
            message.pointee.model_sha_presence_case = TEI__V1__INFO_RESPONSE__MODEL_SHA_PRESENCE_MODEL_SHA
            message.pointee.model_sha = arena.copy(info.modelSHA)
            message.pointee.model_dtype = arena.copy(info.modelDatatype)
            message.pointee.model_type = info.modelType.wire
            message.pointee.max_concurrent_requests = UInt32(clamping: info.concurrentRequestsMax)
            message.pointee.max_input_length = UInt32(clamping: info.inputTokensMax)
            message.pointee.max_batch_tokens = UInt32(clamping: info.batchTokensMax)
            message.pointee.max_client_batch_size = UInt32(clamping: info.clientBatchMax)
            message.pointee.tokenization_workers = UInt32(clamping: info.tokenizationWorkers)
            return message
        }
    }
}

extension TEI.ModelType {
    fileprivate var wire: Tei__V1__ModelType {
        switch self {
        case .embedding: TEI__V1__MODEL_TYPE__MODEL_TYPE_EMBEDDING
        case .classifier: TEI__V1__MODEL_TYPE__MODEL_TYPE_CLASSIFIER
        case .reranker: TEI__V1__MODEL_TYPE__MODEL_TYPE_RERANKER
        }
    }
}

extension TEI.Metadata {
    fileprivate func build(in arena: Arena) -> UnsafeMutablePointer<Tei__V1__Metadata> {
        let message = arena.make(tei__v1__metadata__init)
        message.pointee.compute_chars = UInt32(clamping: characters)
        message.pointee.compute_tokens = UInt32(clamping: tokens)
        message.pointee.total_time_ns = timing.total.wholeNanoseconds
        message.pointee.tokenization_time_ns = timing.tokenize.wholeNanoseconds
        message.pointee.queue_time_ns = timing.queue.wholeNanoseconds
        message.pointee.inference_time_ns = timing.compute.wholeNanoseconds
        return message
    }
}
