internal import CMartletProtos
package import MartletCore

/// Calls about one version of a model.
extension MessageCodec {
    package func decodeLoadVersionRequest(_ bytes: [UInt8]) throws(MartletError) -> VersionID {
        try decode(bytes, as: "LoadVersionRequest", with: martlet__v1__load_version_request__unpack) {
            (request) throws(MartletError) in
            VersionID(model: try CField.text(request.name, "name"), number: Int(request.version))
        }
    }

    package func encodeLoadVersionRequest(_ id: VersionID) -> [UInt8] {
        encode { arena in
            let message = arena.make(martlet__v1__load_version_request__init)
            message.pointee.name = arena.copy(id.model)
            message.pointee.version = UInt32(clamping: id.number)
            return message
        }
    }

    package func decodeUnloadVersionRequest(_ bytes: [UInt8]) throws(MartletError) -> VersionID {
        try decode(bytes, as: "UnloadVersionRequest", with: martlet__v1__unload_version_request__unpack) {
            (request) throws(MartletError) in
            VersionID(model: try CField.text(request.name, "name"), number: Int(request.version))
        }
    }

    package func encodeUnloadVersionRequest(_ id: VersionID) -> [UInt8] {
        encode { arena in
            let message = arena.make(martlet__v1__unload_version_request__init)
            message.pointee.name = arena.copy(id.model)
            message.pointee.version = UInt32(clamping: id.number)
            return message
        }
    }

    package func decodeUnloadVersionResponse(_ bytes: [UInt8]) throws(MartletError) {
        try decode(bytes, as: "UnloadVersionResponse", with: martlet__v1__unload_version_response__unpack) { _ in }
    }

    package func encodeUnloadVersionResponse() -> [UInt8] {
        encode { arena in arena.make(martlet__v1__unload_version_response__init) }
    }

    package func decodeClearQuarantineRequest(_ bytes: [UInt8]) throws(MartletError) -> VersionID {
        try decode(bytes, as: "ClearQuarantineRequest", with: martlet__v1__clear_quarantine_request__unpack) {
            (request) throws(MartletError) in
            VersionID(model: try CField.text(request.name, "name"), number: Int(request.version))
        }
    }

    package func encodeClearQuarantineRequest(_ id: VersionID) -> [UInt8] {
        encode { arena in
            let message = arena.make(martlet__v1__clear_quarantine_request__init)
            message.pointee.name = arena.copy(id.model)
            message.pointee.version = UInt32(clamping: id.number)
            return message
        }
    }

    package func decodeClearQuarantineResponse(_ bytes: [UInt8]) throws(MartletError) {
        try decode(bytes, as: "ClearQuarantineResponse", with: martlet__v1__clear_quarantine_response__unpack) { _ in }
    }

    package func encodeClearQuarantineResponse() -> [UInt8] {
        encode { arena in arena.make(martlet__v1__clear_quarantine_response__init) }
    }
}
