internal import CMartletProtos
internal import CProtobufC
package import MartletCore

extension MessageCodec {
    // MARK: Requests

    /// `ServerLiveRequest`, `ServerReadyRequest` and `ServerMetadataRequest` say nothing; what is in them is skipped.
    package func decodeModelReadyRequest(_ bytes: [UInt8]) throws(MartletError) -> OpenInference.ModelName {
        try decode(bytes, as: "ModelReadyRequest", with: inference__model_ready_request__unpack) {
            (request) throws(MartletError) in try OpenInference.ModelName(request.name, request.version)
        }
    }

    package func decodeModelMetadataRequest(_ bytes: [UInt8]) throws(MartletError) -> OpenInference.ModelName {
        try decode(bytes, as: "ModelMetadataRequest", with: inference__model_metadata_request__unpack) {
            (request) throws(MartletError) in try OpenInference.ModelName(request.name, request.version)
        }
    }

    package func decodeModelConfigurationRequest(_ bytes: [UInt8]) throws(MartletError) -> OpenInference.ModelName {
        try decode(bytes, as: "ModelConfigRequest", with: inference__model_config_request__unpack) {
            (request) throws(MartletError) in try OpenInference.ModelName(request.name, request.version)
        }
    }

    package func decodeModelStatisticsRequest(_ bytes: [UInt8]) throws(MartletError) -> OpenInference.ModelName {
        try decode(bytes, as: "ModelStatisticsRequest", with: inference__model_statistics_request__unpack) {
            (request) throws(MartletError) in try OpenInference.ModelName(request.name, request.version)
        }
    }

    /// True when only ready versions are asked for.
    package func decodeRepositoryIndexRequest(_ bytes: [UInt8]) throws(MartletError) -> Bool {
        try decode(bytes, as: "RepositoryIndexRequest", with: inference__repository_index_request__unpack) {
            (request) throws(MartletError) in request.ready != 0
        }
    }

    /// The model's name and the names of the parameters.
    package func decodeRepositoryModelLoadRequest(
        _ bytes: [UInt8]
    ) throws(MartletError) -> (name: String, parameters: [String]) {
        try decode(bytes, as: "RepositoryModelLoadRequest", with: inference__repository_model_load_request__unpack) {
            (request) throws(MartletError) in
            var parameters: [String] = []
            for entry in CField.elements(request.n_parameters, request.parameters) {
                guard let entry = entry?.pointee else { continue }
                parameters.append(try CField.text(entry.key, "a key of parameters"))
            }
            return (try CField.text(request.model_name, "model_name"), parameters)
        }
    }

    package func decodeRepositoryModelUnloadRequest(_ bytes: [UInt8]) throws(MartletError) -> String {
        try decode(bytes, as: "RepositoryModelUnloadRequest", with: inference__repository_model_unload_request__unpack)
        {
            (request) throws(MartletError) in try CField.text(request.model_name, "model_name")
        }
    }

    // MARK: Answers

    package func encodeServerLiveResponse(_ live: Bool) -> [UInt8] {
        encode { arena in
            let message = arena.make(inference__server_live_response__init)
            message.pointee.live = live ? 1 : 0
            return message
        }
    }

    package func encodeServerReadyResponse(_ ready: Bool) -> [UInt8] {
        encode { arena in
            let message = arena.make(inference__server_ready_response__init)
            message.pointee.ready = ready ? 1 : 0
            return message
        }
    }

    package func encodeModelReadyResponse(_ ready: Bool) -> [UInt8] {
        encode { arena in
            let message = arena.make(inference__model_ready_response__init)
            message.pointee.ready = ready ? 1 : 0
            return message
        }
    }

    package func encode(_ metadata: OpenInference.ServerMetadata) -> [UInt8] {
        encode { arena in
            let message = arena.make(inference__server_metadata_response__init)
            message.pointee.name = arena.copy(metadata.name)
            message.pointee.version = arena.copy(metadata.version)
            message.pointee.n_extensions = metadata.extensions.count
            message.pointee.extensions = arena.values(metadata.extensions) { arena.copy($0) }
            return message
        }
    }

    package func encode(_ metadata: OpenInference.ModelMetadata) -> [UInt8] {
        encode { arena in
            let message = arena.make(inference__model_metadata_response__init)
            message.pointee.name = arena.copy(metadata.name)
            message.pointee.n_versions = metadata.versions.count
            message.pointee.versions = arena.values(metadata.versions) { arena.copy($0) }
            message.pointee.platform = arena.copy(metadata.platform)
            message.pointee.n_inputs = metadata.inputs.count
            message.pointee.inputs = arena.list(metadata.inputs) { $0.build(in: arena) }
            message.pointee.n_outputs = metadata.outputs.count
            message.pointee.outputs = arena.list(metadata.outputs) { $0.build(in: arena) }
            return message
        }
    }

    package func encode(_ configuration: OpenInference.ModelConfiguration) -> [UInt8] {
        encode { arena in
            let message = arena.make(inference__model_config__init)
            message.pointee.name = arena.copy(configuration.name)
            message.pointee.platform = arena.copy(configuration.platform)
            message.pointee.backend = arena.copy(configuration.backend)
            message.pointee.max_batch_size = Int32(clamping: configuration.batchSizeMax)
            message.pointee.n_input = configuration.inputs.count
            message.pointee.input = arena.list(configuration.inputs) { tensor in
                let input = arena.make(inference__model_input__init)
                input.pointee.name = arena.copy(tensor.name)
                input.pointee.data_type = tensor.datatype.wire
                input.pointee.n_dims = tensor.shape.count
                input.pointee.dims = arena.values(tensor.shape) { Int64($0) }
                return input
            }
            message.pointee.n_output = configuration.outputs.count
            message.pointee.output = arena.list(configuration.outputs) { tensor in
                let output = arena.make(inference__model_output__init)
                output.pointee.name = arena.copy(tensor.name)
                output.pointee.data_type = tensor.datatype.wire
                output.pointee.n_dims = tensor.shape.count
                output.pointee.dims = arena.values(tensor.shape) { Int64($0) }
                return output
            }
            message.pointee.model_transaction_policy = arena.make(inference__model_transaction_policy__init)
            let response = arena.make(inference__model_config_response__init)
            response.pointee.config = message
            return response
        }
    }

    package func encodeRepositoryIndexResponse(_ entries: [OpenInference.RepositoryEntry]) -> [UInt8] {
        encode { arena in
            let message = arena.make(inference__repository_index_response__init)
            message.pointee.n_models = entries.count
            message.pointee.models = arena.list(entries) { entry in
                let model = arena.make(inference__repository_index_response__model_index__init)
                model.pointee.name = arena.copy(entry.name)
                model.pointee.version = arena.copy(entry.version)
                model.pointee.state = arena.copy(entry.state)
                model.pointee.reason = arena.copy(entry.reason)
                return model
            }
            return message
        }
    }

    package func encodeModelStatisticsResponse(_ statistics: [OpenInference.Statistics]) -> [UInt8] {
        encode { arena in
            let message = arena.make(inference__model_statistics_response__init)
            message.pointee.n_model_stats = statistics.count
            message.pointee.model_stats = arena.list(statistics) { $0.build(in: arena) }
            return message
        }
    }
}

extension OpenInference.ModelName {
    fileprivate init(_ name: ProtobufCBinaryData, _ version: ProtobufCBinaryData) throws(MartletError) {
        self.init(name: try CField.text(name, "name"), version: try CField.text(version, "version"))
    }
}

extension OpenInference.Datatype {
    fileprivate var wire: Inference__DataType {
        switch self {
        case .bytes: INFERENCE__DATA_TYPE__TYPE_STRING
        case .float32: INFERENCE__DATA_TYPE__TYPE_FP32
        }
    }
}

extension OpenInference.TensorMetadata {
    fileprivate func build(
        in arena: Arena
    ) -> UnsafeMutablePointer<Inference__ModelMetadataResponse__TensorMetadata> {
        let message = arena.make(inference__model_metadata_response__tensor_metadata__init)
        message.pointee.name = arena.copy(name)
        message.pointee.datatype = arena.copy(datatype.rawValue)
        message.pointee.n_shape = shape.count
        message.pointee.shape = arena.values(shape) { Int64($0) }
        return message
    }
}

extension OpenInference.Statistics {
    fileprivate func build(in arena: Arena) -> UnsafeMutablePointer<Inference__ModelStatistics> {
        func duration(_ value: OpenInference.StatisticDuration) -> UnsafeMutablePointer<Inference__StatisticDuration> {
            let message = arena.make(inference__statistic_duration__init)
            message.pointee.count = UInt64(clamping: value.count)
            message.pointee.ns = value.nanoseconds
            return message
        }
        let sums = arena.make(inference__infer_statistics__init)
        sums.pointee.success = duration(success)
        sums.pointee.fail = duration(fail)
        sums.pointee.queue = duration(queue)
        sums.pointee.compute_input = duration(computeInput)
        sums.pointee.compute_infer = duration(computeInfer)
        sums.pointee.compute_output = duration(computeOutput)
        sums.pointee.cache_hit = duration(OpenInference.StatisticDuration())
        sums.pointee.cache_miss = duration(OpenInference.StatisticDuration())
        let message = arena.make(inference__model_statistics__init)
        message.pointee.name = arena.copy(name)
        message.pointee.version = arena.copy(version)
        message.pointee.last_inference = UInt64(clamping: lastInferenceMilliseconds)
        message.pointee.inference_count = UInt64(clamping: inferences)
        message.pointee.execution_count = UInt64(clamping: executions)
        message.pointee.inference_stats = sums
        return message
    }
}
