internal import MartletCore
internal import MartletWire

/// `martlet.v1.ModelService`.
struct ModelCalls: Sendable {
    let handler: any InferenceHandler
    let codec: MessageCodec

    var calls: [Call] {
        [
            .unary(.listModels) { (request, context) throws(MartletError) in
                let name = try codec.decodeListModelsRequest(request)
                return codec.encodeListModelsResponse(try await handler.listModels(named: name, context: context))
            },
            .unary(.getModel) { (request, context) throws(MartletError) in
                codec.encode(try await handler.model(try codec.decodeGetModelRequest(request), context: context))
            },
        ]
    }
}
