internal import CMartletProtos
package import MartletCore

/// Calls about the server itself.
extension MessageCodec {
    /// The model asked for; nil for every one.
    package func decodeGetStatisticsRequest(_ bytes: [UInt8]) throws(MartletError) -> String? {
        try decode(bytes, as: "GetStatisticsRequest", with: martlet__v1__get_statistics_request__unpack) {
            (request) throws(MartletError) in
            try CField.optionalText(request.name, "name")
        }
    }

    package func encodeGetStatisticsRequest(named name: String?) -> [UInt8] {
        encode { arena in
            let message = arena.make(martlet__v1__get_statistics_request__init)
            message.pointee.name = arena.copy(name ?? "")
            return message
        }
    }

    package func decodeGetStatisticsResponse(_ bytes: [UInt8]) throws(MartletError) -> [ModelStatistics] {
        try decode(bytes, as: "GetStatisticsResponse", with: martlet__v1__get_statistics_response__unpack) {
            (response) throws(MartletError) in
            var models: [ModelStatistics] = []
            for (index, element) in CField.elements(response.n_models, response.models).enumerated() {
                guard let element else { continue }
                models.append(try ModelStatistics(element.pointee, "models[\(index)]"))
            }
            return models
        }
    }

    package func encodeGetStatisticsResponse(_ models: [ModelStatistics]) -> [UInt8] {
        encode { arena in
            let message = arena.make(martlet__v1__get_statistics_response__init)
            message.pointee.n_models = models.count
            message.pointee.models = arena.list(models) { $0.build(in: arena) }
            return message
        }
    }

    package func decodeGetServerRequest(_ bytes: [UInt8]) throws(MartletError) {
        try decode(bytes, as: "GetServerRequest", with: martlet__v1__get_server_request__unpack) { _ in }
    }

    package func encodeGetServerRequest() -> [UInt8] {
        encode { arena in arena.make(martlet__v1__get_server_request__init) }
    }

    package func decodeServerStatus(_ bytes: [UInt8]) throws(MartletError) -> ServerStatus {
        try decode(bytes, as: "ServerStatus", with: martlet__v1__server_status__unpack) {
            (status) throws(MartletError) in
            ServerStatus(
                software: try CField.text(status.software, "software"), isReady: status.ready != 0,
                facts: EngineFacts(
                    computeThreads: Int(status.compute_threads),
                    cpuLevel: try CField.text(status.cpu_level, "cpu_level")),
                queueTokensMax: try CField.integer(status.queue_tokens_max, "queue_tokens_max"),
                batchTokensMax: Int(status.batch_tokens_max), textsPerRequestMax: Int(status.texts_per_request_max),
                messageBytesMax: try CField.integer(status.message_bytes_max, "message_bytes_max"))
        }
    }

    package func encode(_ status: ServerStatus) -> [UInt8] {
        encode { arena in
            let message = arena.make(martlet__v1__server_status__init)
            message.pointee.software = arena.copy(status.software)
            message.pointee.ready = status.isReady ? 1 : 0
            message.pointee.compute_threads = UInt32(clamping: status.facts.computeThreads)
            message.pointee.cpu_level = arena.copy(status.facts.cpuLevel)
            message.pointee.queue_tokens_max = UInt64(clamping: status.queueTokensMax)
            message.pointee.batch_tokens_max = UInt32(clamping: status.batchTokensMax)
            message.pointee.texts_per_request_max = UInt32(clamping: status.textsPerRequestMax)
            message.pointee.message_bytes_max = UInt64(clamping: status.messageBytesMax)
            return message
        }
    }
}

extension ModelStatistics {
    fileprivate init(_ model: Martlet__V1__ModelStatistics, _ field: @autoclosure () -> String) throws(MartletError) {
        func count(_ value: UInt64, _ name: StaticString) throws(MartletError) -> Int {
            try CField.integer(value, "\(field()).\(name)")
        }
        func duration(_ value: UInt64, _ name: StaticString) throws(MartletError) -> Duration {
            .microseconds(Int64(try count(value, name)))
        }
        self.init(
            name: try CField.text(model.name, "\(field()).name"), version: Int(model.version),
            calls: try count(model.calls, "calls"), failures: try count(model.failures, "failures"),
            texts: try count(model.texts, "texts"), batches: try count(model.batches, "batches"),
            tokens: try count(model.tokens, "tokens"), queue: try duration(model.queue_us, "queue_us"),
            tokenize: try duration(model.tokenize_us, "tokenize_us"),
            compute: try duration(model.compute_us, "compute_us"),
            batchCompute: try duration(model.batch_compute_us, "batch_compute_us"),
            callTime: try duration(model.call_us, "call_us"),
            lastUsedMilliseconds: try count(model.last_used_ms, "last_used_ms"))
    }

    fileprivate func build(in arena: Arena) -> UnsafeMutablePointer<Martlet__V1__ModelStatistics> {
        let model = arena.make(martlet__v1__model_statistics__init)
        model.pointee.name = arena.copy(name)
        model.pointee.version = UInt32(clamping: version)
        model.pointee.calls = UInt64(clamping: calls)
        model.pointee.failures = UInt64(clamping: failures)
        model.pointee.texts = UInt64(clamping: texts)
        model.pointee.batches = UInt64(clamping: batches)
        model.pointee.tokens = UInt64(clamping: tokens)
        model.pointee.queue_us = queue.wholeMicroseconds
        model.pointee.tokenize_us = tokenize.wholeMicroseconds
        model.pointee.compute_us = compute.wholeMicroseconds
        model.pointee.batch_compute_us = batchCompute.wholeMicroseconds
        model.pointee.call_us = callTime.wholeMicroseconds
        model.pointee.last_used_ms = UInt64(clamping: lastUsedMilliseconds)
        return model
    }
}
