internal import MartletCore
internal import MartletWire

/// How TEI shows an error: its kind decides the status.
enum TEIFailure {
    static func response(_ error: MartletError) -> HTTPResponse {
        // A key that is wrong or missing has no body, and what HTTP itself refuses is told in plain text.
        if error.code == .unauthenticated { return HTTPResponse(status: 401) }
        if error.cause is HTTPStatusCode {
            return HTTPResponse(
                status: error.httpStatus, headers: [("content-type", "text/plain; charset=utf-8")],
                body: .bytes(Array(error.message.utf8)))
        }
        let (kind, status) = kind(of: error)
        return HTTPResponse(
            status: status, json: ["error": .string(error.message), "error_type": .string(kind)],
            headers: HTTPFailure.retryHeader(error))
    }

    /// An empty list where texts belong.
    static func empty(_ field: String) -> HTTPResponse {
        HTTPResponse(status: 400, json: ["error": .string("`\(field)` cannot be empty"), "error_type": "Empty"])
    }

    private static func kind(of error: MartletError) -> (kind: String, status: Int) {
        switch error.code {
        case .invalidArgument, .outOfRange: ("Validation", 422)
        case .resourceExhausted: ("Overloaded", 429)
        case .unavailable: ("Unhealthy", 503)
        // A wrong task for the model, and whatever the engine did not get done.
        case .failedPrecondition, .internalError, .unknown, .dataLoss: ("Backend", 424)
        // TEI has one model and no deadlines, so it has no words for these.
        case .notFound, .permissionDenied: ("Validation", error.httpStatus)
        default: ("Backend", error.httpStatus)
        }
    }
}
