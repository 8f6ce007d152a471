internal import CMartletProtos
package import MartletCore

extension MessageCodec {
    /// The name asked for; nil for every model.
    package func decodeListModelsRequest(_ bytes: [UInt8]) throws(MartletError) -> String? {
        try decode(bytes, as: "ListModelsRequest", with: martlet__v1__list_models_request__unpack) {
            (request) throws(MartletError) in
            try CField.optionalText(request.name, "name")
        }
    }

    package func encodeListModelsRequest(named name: String?) -> [UInt8] {
        encode { arena in
            let message = arena.make(martlet__v1__list_models_request__init)
            message.pointee.name = arena.copy(name ?? "")
            return message
        }
    }

    package func decodeListModelsResponse(_ bytes: [UInt8]) throws(MartletError) -> [ModelStatus] {
        try decode(bytes, as: "ListModelsResponse", with: martlet__v1__list_models_response__unpack) {
            (response) throws(MartletError) in
            try ModelStatus.list(response.n_models, response.models)
        }
    }

    package func encodeListModelsResponse(_ models: [ModelStatus]) -> [UInt8] {
        encode { arena in
            let message = arena.make(martlet__v1__list_models_response__init)
            message.pointee.n_models = models.count
            message.pointee.models = arena.list(models) { $0.build(in: arena) }
            return message
        }
    }

    /// The name asked for; nil for every model. The answers are `ListModelsResponse`.
    package func decodeWatchModelsRequest(_ bytes: [UInt8]) throws(MartletError) -> String? {
        try decode(bytes, as: "WatchModelsRequest", with: martlet__v1__watch_models_request__unpack) {
            (request) throws(MartletError) in
            try CField.optionalText(request.name, "name")
        }
    }

    package func encodeWatchModelsRequest(named name: String?) -> [UInt8] {
        encode { arena in
            let message = arena.make(martlet__v1__watch_models_request__init)
            message.pointee.name = arena.copy(name ?? "")
            return message
        }
    }

    package func decodeGetModelRequest(_ bytes: [UInt8]) throws(MartletError) -> ModelReference {
        try decode(bytes, as: "GetModelRequest", with: martlet__v1__get_model_request__unpack) {
            (request) throws(MartletError) in
            try ModelReference(request.model, "model")
        }
    }

    package func encodeGetModelRequest(_ reference: ModelReference) -> [UInt8] {
        encode { arena in
            let message = arena.make(martlet__v1__get_model_request__init)
            message.pointee.model = reference.build(in: arena)
            return message
        }
    }

    package func decodeModelStatus(_ bytes: [UInt8]) throws(MartletError) -> ModelStatus {
        try decode(bytes, as: "ModelStatus", with: martlet__v1__model_status__unpack) {
            (status) throws(MartletError) in
            try ModelStatus(status, "")
        }
    }

    package func encode(_ status: ModelStatus) -> [UInt8] {
        encode { arena in status.build(in: arena) }
    }
}
