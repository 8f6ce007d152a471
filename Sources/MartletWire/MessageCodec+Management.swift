internal import CMartletProtos
package import MartletCore

/// Calls that change what is served.
extension MessageCodec {
    package func decodeLoadModelRequest(_ bytes: [UInt8]) throws(MartletError) -> String {
        try decode(bytes, as: "LoadModelRequest", with: martlet__v1__load_model_request__unpack) {
            (request) throws(MartletError) in
            try CField.text(request.name, "name")
        }
    }

    package func encodeLoadModelRequest(named name: String) -> [UInt8] {
        encode { arena in
            let message = arena.make(martlet__v1__load_model_request__init)
            message.pointee.name = arena.copy(name)
            return message
        }
    }

    package func decodeLoadModelResponse(_ bytes: [UInt8]) throws(MartletError) -> [ModelStatus] {
        try decode(bytes, as: "LoadModelResponse", with: martlet__v1__load_model_response__unpack) {
            (response) throws(MartletError) in
            try ModelStatus.list(response.n_models, response.models)
        }
    }

    package func encodeLoadModelResponse(_ models: [ModelStatus]) -> [UInt8] {
        encode { arena in
            let message = arena.make(martlet__v1__load_model_response__init)
            message.pointee.n_models = models.count
            message.pointee.models = arena.list(models) { $0.build(in: arena) }
            return message
        }
    }

    package func decodeUnloadModelRequest(_ bytes: [UInt8]) throws(MartletError) -> String {
        try decode(bytes, as: "UnloadModelRequest", with: martlet__v1__unload_model_request__unpack) {
            (request) throws(MartletError) in
            try CField.text(request.name, "name")
        }
    }

    package func encodeUnloadModelRequest(named name: String) -> [UInt8] {
        encode { arena in
            let message = arena.make(martlet__v1__unload_model_request__init)
            message.pointee.name = arena.copy(name)
            return message
        }
    }

    package func decodeUnloadModelResponse(_ bytes: [UInt8]) throws(MartletError) {
        try decode(bytes, as: "UnloadModelResponse", with: martlet__v1__unload_model_response__unpack) { _ in }
    }

    package func encodeUnloadModelResponse() -> [UInt8] {
        encode { arena in arena.make(martlet__v1__unload_model_response__init) }
    }

    package func decodeSetLabelRequest(_ bytes: [UInt8]) throws(MartletError) -> SetLabelRequest {
        try decode(bytes, as: "SetLabelRequest", with: martlet__v1__set_label_request__unpack) {
            (request) throws(MartletError) in
            SetLabelRequest(
                model: try CField.text(request.name, "name"), label: try CField.text(request.label, "label"),
                version: request.version == 0 ? nil : Int(request.version))
        }
    }

    package func encode(_ request: SetLabelRequest) -> [UInt8] {
        encode { arena in
            let message = arena.make(martlet__v1__set_label_request__init)
            message.pointee.name = arena.copy(request.model)
            message.pointee.label = arena.copy(request.label)
            message.pointee.version = UInt32(clamping: request.version ?? 0)
            return message
        }
    }

    package func decodeSetLabelResponse(_ bytes: [UInt8]) throws(MartletError) {
        try decode(bytes, as: "SetLabelResponse", with: martlet__v1__set_label_response__unpack) { _ in }
    }

    package func encodeSetLabelResponse() -> [UInt8] {
        encode { arena in arena.make(martlet__v1__set_label_response__init) }
    }
}

/// Points a version label of a model at a version.
package struct SetLabelRequest: Sendable, Hashable {
    package var model: String
    package var label: String
    /// Nil takes the label away.
    package var version: Int?

    package init(model: String, label: String, version: Int?) {
        self.model = model
        self.label = label
        self.version = version
    }
}
