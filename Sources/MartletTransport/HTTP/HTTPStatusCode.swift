package import MartletCore

/// The HTTP status of an error that HTTP itself knows and gRPC's codes do not tell apart, such as 413 and 429.
struct HTTPStatusCode: Error {
    let value: Int
}

extension MartletError {
    /// An error with an HTTP status of its own, kept as its cause.
    package static func http(_ status: Int, _ code: Code, _ message: String) -> MartletError {
        MartletError(code, message, cause: HTTPStatusCode(value: status))
    }

    /// The HTTP status that stands for the error, where a dialect does not have its own.
    package var httpStatus: Int {
        if let own = cause as? HTTPStatusCode { return own.value }
        return switch code {
        case .invalidArgument, .outOfRange, .failedPrecondition: 400
        case .unauthenticated: 401
        case .permissionDenied: 403
        case .notFound: 404
        case .alreadyExists, .aborted: 409
        case .resourceExhausted: 429
        case .cancelled: 499
        case .unimplemented: 501
        case .unavailable: 503
        case .deadlineExceeded: 504
        default: 500
        }
    }
}
