internal import CMartletProtos
package import MartletCore

/// `grpc.reflection.v1`, whose messages `v1alpha` shares.
extension MessageCodec {
    package func decodeReflectionRequest(_ bytes: [UInt8]) throws(MartletError) -> ReflectionRequest {
        try decode(
            bytes, as: "ServerReflectionRequest", with: grpc__reflection__v1__server_reflection_request__unpack
        ) { (request) throws(MartletError) in
            switch request.message_request_case {
            case GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__MESSAGE_REQUEST_FILE_BY_FILENAME:
                return .file(named: try CField.text(request.file_by_filename, "file_by_filename"))
            case GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__MESSAGE_REQUEST_FILE_CONTAINING_SYMBOL:
                return .fileContaining(
                    symbol: try CField.text(request.file_containing_symbol, "file_containing_symbol"))
            case GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__MESSAGE_REQUEST_FILE_CONTAINING_EXTENSION:
                guard let wanted = request.file_containing_extension?.pointee else { return .unknown }
                return .fileExtending(
                    try CField.text(wanted.containing_type, "file_containing_extension.containing_type"),
                    number: wanted.extension_number)
            case GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__MESSAGE_REQUEST_ALL_EXTENSION_NUMBERS_OF_TYPE:
                return .extensionNumbers(
                    of: try CField.text(request.all_extension_numbers_of_type, "all_extension_numbers_of_type"))
            case GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__MESSAGE_REQUEST_LIST_SERVICES:
                return .services
            default: return .unknown
            }
        }
    }

    /// - Parameter request: as it came, which the answer repeats.
    package func encode(_ answer: ReflectionAnswer, to request: [UInt8]) throws(MartletError) -> [UInt8] {
        try decode(
            request, as: "ServerReflectionRequest", with: grpc__reflection__v1__server_reflection_request__unpack
        ) { (original) throws(MartletError) in
            var original = original
            return withUnsafeMutablePointer(to: &original) { original in
                encode { arena in
                    let message = arena.make(grpc__reflection__v1__server_reflection_response__init)
                    message.pointee.original_request = original
                    message.pointee.valid_host = original.pointee.host
                    answer.put(into: message, in: arena)
                    return message
                }
            }
        }
    }
}

extension ReflectionAnswer {
    fileprivate func put(
        into message: UnsafeMutablePointer<Grpc__Reflection__V1__ServerReflectionResponse>, in arena: Arena
    ) {
        switch self {
        case .files(let files):
            let response = arena.make(grpc__reflection__v1__file_descriptor_response__init)
            response.pointee.n_file_descriptor_proto = files.count
            response.pointee.file_descriptor_proto = arena.values(files) { arena.copy($0) }
            message.pointee.message_response_case =
                GRPC__REFLECTION__V1__SERVER_REFLECTION_RESPONSE__MESSAGE_RESPONSE_FILE_DESCRIPTOR_RESPONSE
            message.pointee.file_descriptor_response = response
        case .services(let names):
            let response = arena.make(grpc__reflection__v1__list_service_response__init)
            response.pointee.n_service = names.count
            response.pointee.service = arena.list(names) { name in
                let element = arena.make(grpc__reflection__v1__service_response__init)
                element.pointee.name = arena.copy(name)
                return element
            }
            message.pointee.message_response_case =
                GRPC__REFLECTION__V1__SERVER_REFLECTION_RESPONSE__MESSAGE_RESPONSE_LIST_SERVICES_RESPONSE
            message.pointee.list_services_response = response
        case .failure(let code, let text):
            let response = arena.make(grpc__reflection__v1__error_response__init)
            response.pointee.error_code = code
            response.pointee.error_message = arena.copy(text)
            message.pointee.message_response_case =
                GRPC__REFLECTION__V1__SERVER_REFLECTION_RESPONSE__MESSAGE_RESPONSE_ERROR_RESPONSE
            message.pointee.error_response = response
        }
    }
}
