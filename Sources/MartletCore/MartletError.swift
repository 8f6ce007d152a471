/// The one error that crosses Martlet's boundaries: a code that programs switch on and a message that people read.
///
/// Messages name the field, the limit, the value and the way out. They never hold request text, paths of the server's
/// machine or addresses.
public struct MartletError: Error, Sendable, CustomStringConvertible {
    /// A gRPC status code. The set is open: a number that this version does not know keeps its value.
    public struct Code: Hashable, Sendable, CustomStringConvertible {
        /// The gRPC status number, `0` (ok) is never thrown.
        public let value: Int32

        public init(value: Int32) { self.value = value }

        public static let cancelled = Code(value: 1)
        public static let unknown = Code(value: 2)
        public static let invalidArgument = Code(value: 3)
        public static let deadlineExceeded = Code(value: 4)
        public static let notFound = Code(value: 5)
        public static let alreadyExists = Code(value: 6)
        public static let permissionDenied = Code(value: 7)
        public static let resourceExhausted = Code(value: 8)
        public static let failedPrecondition = Code(value: 9)
        public static let aborted = Code(value: 10)
        public static let outOfRange = Code(value: 11)
        public static let unimplemented = Code(value: 12)
        public static let internalError = Code(value: 13)
        public static let unavailable = Code(value: 14)
        public static let dataLoss = Code(value: 15)
        public static let unauthenticated = Code(value: 16)

        /// The name gRPC gives the code, such as `INVALID_ARGUMENT`, or `CODE_<number>`.
        public var description: String {
            switch value {
            case 0: "OK"
            case 1: "CANCELLED"
            case 2: "UNKNOWN"
            case 3: "INVALID_ARGUMENT"
            case 4: "DEADLINE_EXCEEDED"
            case 5: "NOT_FOUND"
            case 6: "ALREADY_EXISTS"
            case 7: "PERMISSION_DENIED"
            case 8: "RESOURCE_EXHAUSTED"
            case 9: "FAILED_PRECONDITION"
            case 10: "ABORTED"
            case 11: "OUT_OF_RANGE"
            case 12: "UNIMPLEMENTED"
            case 13: "INTERNAL"
            case 14: "UNAVAILABLE"
            case 15: "DATA_LOSS"
            case 16: "UNAUTHENTICATED"
            default: "CODE_\(value)"
            }
        }
    }

    public var code: Code
    public var message: String
    /// How long to wait before the same call is worth another try; nil when waiting does not help.
    public var retryAfter: Duration?
    /// For logs on this machine only; never sent to a peer.
    public var cause: (any Error)?

    public init(
        _ code: Code, _ message: String, retryAfter: Duration? = nil, cause: (any Error)? = nil
    ) {
        self.code = code
        self.message = message
        self.retryAfter = retryAfter
        self.cause = cause
    }

    public var description: String { "\(code): \(message)" }
}

extension MartletError {
    /// True when the call could not know that it would fail: what counts against the version that it was sent to.
    public var isServersFault: Bool {
        [.unknown, .deadlineExceeded, .internalError, .unavailable, .dataLoss].contains(code)
    }

    /// `error` itself where it is a `MartletError`, `CANCELLED` for a cancelled task, otherwise `INTERNAL` with the
    /// error kept as cause.
    public init(wrapping error: any Error, while doing: String) {
        if let known = error as? MartletError {
            self = known
        } else if error is CancellationError {
            self = MartletError(.cancelled, "the call was cancelled while \(doing)")
        } else {
            self = MartletError(.internalError, "the server failed while \(doing)", cause: error)
        }
    }
}
