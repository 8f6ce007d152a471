internal import MartletCore
internal import MartletWire
internal import NIOHPACK

/// The header lists that a gRPC answer is made of.
enum GRPCTrailers {
    static let head: HPACKHeaders = [":status": "200", "content-type": "application/grpc"]
    static let ok: HPACKHeaders = ["grpc-status": "0"]

    static func head(_ encoding: MessageEncoding) -> HPACKHeaders {
        guard encoding != .identity else { return head }
        var headers = head
        headers.add(name: "grpc-encoding", value: encoding.rawValue)
        return headers
    }

    /// - Parameter isWholeAnswer: nothing was sent before, so that these are the answer's only headers.
    static func status(_ error: MartletError?, isWholeAnswer: Bool) -> HPACKHeaders {
        var headers = isWholeAnswer ? head : [:]
        guard let error else {
            headers.add(contentsOf: ok)
            return headers
        }
        let status = CallStatus(error)
        headers.add(name: "grpc-status", value: String(status.code))
        headers.add(name: "grpc-message", value: GRPCMessageText.encoded(status.message), indexing: .nonIndexable)
        headers.add(
            name: "grpc-status-details-bin", value: BinaryMetadata.encode(StatusDetails.encoded(error)),
            indexing: .nonIndexable)
        let isOverload = error.code == .resourceExhausted || error.code == .unavailable
        if isOverload, status.retryAfterMilliseconds > 0 {
            headers.add(name: "grpc-retry-pushback-ms", value: String(status.retryAfterMilliseconds))
        }
        if error.code == .unimplemented {
            headers.add(name: "grpc-accept-encoding", value: MessageEncoding.accepted)
        }
        return headers
    }
}
