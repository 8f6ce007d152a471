internal import CMartletProtos
package import MartletCore

/// `grpc.health.v1`.
extension MessageCodec {
    /// The name asked for; empty for the whole server.
    package func decodeHealthCheckRequest(_ bytes: [UInt8]) throws(MartletError) -> String {
        try decode(bytes, as: "HealthCheckRequest", with: grpc__health__v1__health_check_request__unpack) {
            (request) throws(MartletError) in
            try CField.text(request.service, "service")
        }
    }

    package func encode(_ status: HealthStatus) -> [UInt8] {
        encode { arena in status.build(in: arena) }
    }

    package func decodeHealthListRequest(_ bytes: [UInt8]) throws(MartletError) {
        try decode(bytes, as: "HealthListRequest", with: grpc__health__v1__health_list_request__unpack) { _ in }
    }

    package func encodeHealthListResponse(_ statuses: [(name: String, status: HealthStatus)]) -> [UInt8] {
        encode { arena in
            let message = arena.make(grpc__health__v1__health_list_response__init)
            message.pointee.n_statuses = statuses.count
            message.pointee.statuses = arena.list(statuses) { entry in
                let element = arena.make(grpc__health__v1__health_list_response__statuses_entry__init)
                element.pointee.key = arena.copy(entry.name)
                element.pointee.value = entry.status.build(in: arena)
                return element
            }
            return message
        }
    }
}

extension HealthStatus {
    fileprivate func build(in arena: Arena) -> UnsafeMutablePointer<Grpc__Health__V1__HealthCheckResponse> {
        let message = arena.make(grpc__health__v1__health_check_response__init)
        message.pointee.status =
            switch self {
            case .serving: GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__SERVING_STATUS__SERVING
            case .notServing: GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__SERVING_STATUS__NOT_SERVING
            case .serviceUnknown: GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__SERVING_STATUS__SERVICE_UNKNOWN
            }
        return message
    }
}
