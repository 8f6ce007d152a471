internal import MartletCore
internal import MartletWire

/// `martlet.v1.ModelService`.
struct ModelCalls: Sendable {
    let handler: any InferenceHandler
    let codec: MessageCodec
    let limits: Limits
    /// Name and version of the server, such as `martlet/0.1.0`.
    let software: String
    let drain: DrainSignal

    var calls: [Call] { readingCalls + managementCalls }

    private var readingCalls: [Call] {
        [
            .unary(.listModels) { (request, context) throws(MartletError) in
                let name = try codec.decodeListModelsRequest(request)
                return codec.encodeListModelsResponse(try await handler.listModels(named: name, context: context))
            },
            .unary(.getModel) { (request, context) throws(MartletError) in
                codec.encode(try await handler.model(try codec.decodeGetModelRequest(request), context: context))
            },
            .stream(.watchModels) { (requests, answers, context) throws(MartletError) in
                let name = try codec.decodeWatchModelsRequest(try await Call.only(requests))
                let changes = try await handler.watchModels(named: name, context: context)
                try await ChangeWatch(drain: drain).run(changes, to: answers) { codec.encodeListModelsResponse($0) }
            },
            .unary(.getStatistics) { (request, context) throws(MartletError) in
                let name = try codec.decodeGetStatisticsRequest(request)
                return codec.encodeGetStatisticsResponse(try await handler.statistics(named: name, context: context))
            },
            .unary(.getServer) { (request, _) throws(MartletError) in
                try codec.decodeGetServerRequest(request)
                return codec.encode(serverStatus)
            },
        ]
    }

    private var managementCalls: [Call] {
        [
            .unary(.loadModel, isManagement: true) { (request, context) throws(MartletError) in
                let name = try codec.decodeLoadModelRequest(request)
                return codec.encodeLoadModelResponse(try await handler.loadModel(named: name, context: context))
            },
            .unary(.unloadModel, isManagement: true) { (request, context) throws(MartletError) in
                try await handler.unloadModel(named: try codec.decodeUnloadModelRequest(request), context: context)
                return codec.encodeUnloadModelResponse()
            },
            .unary(.setLabel, isManagement: true) { (request, context) throws(MartletError) in
                let request = try codec.decodeSetLabelRequest(request)
                try await handler.setLabel(request.label, of: request.model, to: request.version, context: context)
                return codec.encodeSetLabelResponse()
            },
        ]
    }

    private var serverStatus: ServerStatus {
        ServerStatus(
            software: software, isReady: !drain.isRaised, facts: handler.facts, queueTokensMax: limits.queueTokensMax,
            batchTokensMax: limits.batchTokensMax, textsPerRequestMax: limits.textsPerRequestMax,
            messageBytesMax: limits.messageBytesMax)
    }
}
