internal import MartletCore
internal import MartletWire

/// Errors as the OpenAI SDKs parse them, which Cohere-style and infinity's clients take too.
enum OpenAIFailure {
    static func response(_ error: MartletError) -> HTTPResponse {
        let (type, code): (String, JSONValue) =
            switch error.code {
            case .unauthenticated: ("authentication_error", "invalid_api_key")
            case .permissionDenied: ("permission_error", .null)
            case .notFound: ("invalid_request_error", "model_not_found")
            case .resourceExhausted where error.httpStatus == 429: ("rate_limit_error", "rate_limit_exceeded")
            case .invalidArgument, .outOfRange, .failedPrecondition, .resourceExhausted:
                ("invalid_request_error", .null)
            default: ("server_error", .null)
            }
        return HTTPResponse(
            status: error.httpStatus,
            json: ["error": ["message": .string(error.message), "type": .string(type), "param": .null, "code": code]],
            headers: HTTPFailure.retryHeader(error))
    }
}
