internal import MartletCore

/// Why a call is refused or ended by what brings it, in the same words on every protocol.
extension MartletError {
    /// The client tries another server, or this one again once it is back.
    static var shuttingDown: MartletError {
        MartletError(.unavailable, "the server is shutting down", retryAfter: .milliseconds(1))
    }

    static var callDeadlinePassed: MartletError {
        MartletError(.deadlineExceeded, "the call's deadline passed before it was done")
    }

    static var unknownMethod: MartletError { MartletError(.unimplemented, "this server has no such method") }

    /// A management call or route came in where it is not answered.
    static var managedElsewhere: MartletError {
        MartletError(
            .permissionDenied,
            "management calls are answered on this server's management addresses only (setting manage); call there")
    }

    /// - Parameter limit: `Limits.callsPerConnectionMax`.
    static func tooManyCalls(_ limit: Int) -> MartletError {
        MartletError(
            .resourceExhausted, "this connection already has \(limit) calls, the most it may have at once",
            retryAfter: .milliseconds(50))
    }

    /// `Limits.connectionBytesMax` is reached.
    static var tooMuchWaits: MartletError {
        MartletError(
            .resourceExhausted, "too many large messages wait on this connection; send smaller ones",
            retryAfter: .milliseconds(50))
    }

    /// - Parameter limit: `Limits.messageBytesMax`.
    static func messageTooLarge(_ bytes: Int, limit: Int) -> MartletError {
        MartletError(
            .resourceExhausted,
            "a message of \(bytes) bytes is over the limit of \(limit) bytes; send less at once")
    }

    /// - Parameter limit: `Limits.answerBytesMax`.
    static func answerTooLarge(_ bytes: Int, limit: Int) -> MartletError {
        MartletError(
            .resourceExhausted,
            "the answer of \(bytes) bytes is over the \(limit) bytes that may wait to be sent; ask for fewer labels "
                + "(top_k) or texts at once")
    }
}
