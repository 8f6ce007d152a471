package import MartletCore
package import MartletWire

/// `inference.GRPCInferenceService`.
package struct OpenInferenceCalls: Sendable {
    private let service: OpenInferenceService
    private let codec: MessageCodec
    private let limits: Limits

    package init(
        handler: any InferenceHandler, codec: MessageCodec, limits: Limits, software: String, readiness: Readiness
    ) {
        service = OpenInferenceService(handler: handler, limits: limits, software: software, readiness: readiness)
        self.codec = codec
        self.limits = limits
    }

    package var calls: [Call] { describing + [infer, inferStream] + repository }

    private var describing: [Call] {
        [
            .unary(.openInference("ServerLive")) { (_, _) throws(MartletError) in codec.encodeServerLiveResponse(true)
            },
            .unary(.openInference("ServerReady")) { (_, context) throws(MartletError) in
                codec.encodeServerReadyResponse(try await service.readiness.isReady(context))
            },
            .unary(.openInference("ModelReady")) { (request, context) throws(MartletError) in
                let model = try codec.decodeModelReadyRequest(request)
                return codec.encodeModelReadyResponse(try await service.isReady(model, context))
            },
            .unary(.openInference("ServerMetadata")) { (_, _) throws(MartletError) in codec.encode(service.metadata) },
            .unary(.openInference("ModelMetadata")) { (request, context) throws(MartletError) in
                codec.encode(try await service.metadata(of: try codec.decodeModelMetadataRequest(request), context))
            },
            .unary(.openInference("ModelConfig")) { (request, context) throws(MartletError) in
                let model = try codec.decodeModelConfigurationRequest(request)
                return codec.encode(try await service.configuration(of: model, context))
            },
            .unary(.openInference("ModelStatistics")) { (request, context) throws(MartletError) in
                let model = try codec.decodeModelStatisticsRequest(request)
                return codec.encodeModelStatisticsResponse(try await service.statistics(of: model, context))
            },
        ]
    }

    private var infer: Call {
        .unary(.openInference("ModelInfer")) { (message, context) throws(MartletError) in
            let (request, isRaw) = try codec.decodeInferRequest(message)
            return codec.encode(try await service.infer(request, context).response, isRaw: isRaw)
        }
    }

    /// Triton's stream: an error of one request is its answer, and the stream goes on; unless the client sent the
    /// metadata `triton_grpc_error: true`, for which it is the end of the stream.
    private var inferStream: Call {
        .stream(.openInference("ModelStreamInfer", isStream: true)) {
            (requests, answers, context) throws(MartletError) in
            let endsOnError = context.metadata["triton_grpc_error"] == "true"
            try await RequestStream(limits: limits).run(requests, answers, context) { (message) in
                RequestStream.Request { (context) throws(MartletError) in
                    let (request, isRaw) = try codec.decodeInferRequest(message)
                    let outcome: Result<OpenInference.InferResponse, MartletError>
                    do throws(MartletError) {
                        var response = try await service.infer(request, context).response
                        // Every request has one answer, which is its last: there is never an empty one to ask for.
                        response.parameters["triton_final_response"] = .bool(true)
                        outcome = .success(response)
                    } catch {
                        if endsOnError { throw error }
                        outcome = .failure(error)
                    }
                    return codec.encodeStreamAnswer(outcome, id: request.id, isRaw: isRaw)
                }
            }
        }
    }

    private var repository: [Call] {
        [
            .unary(.openInference("RepositoryIndex")) { (request, context) throws(MartletError) in
                let readyOnly = try codec.decodeRepositoryIndexRequest(request)
                return codec.encodeRepositoryIndexResponse(try await service.index(readyOnly: readyOnly, context))
            },
            .unary(.openInference("RepositoryModelLoad"), isManagement: true) {
                (request, context) throws(MartletError) in
                let (name, parameters) = try codec.decodeRepositoryModelLoadRequest(request)
                try await service.load(name, parameters: parameters, context)
                return []
            },
            .unary(.openInference("RepositoryModelUnload"), isManagement: true) {
                (request, context) throws(MartletError) in
                try await service.unload(try codec.decodeRepositoryModelUnloadRequest(request), context)
                return []
            },
        ]
    }
}
