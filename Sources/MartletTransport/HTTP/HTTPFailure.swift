package import MartletCore
internal import MartletWire

/// How errors look where no dialect has its own form.
package enum HTTPFailure {
    /// `{"error": {"code": "INVALID_ARGUMENT", "status": 400, "message": "...", "retryAfterMs": 250}}`
    package static func response(_ error: MartletError) -> HTTPResponse {
        HTTPResponse(status: error.httpStatus, json: ["error": object(error)], headers: retryHeader(error))
    }

    static func object(_ error: MartletError) -> JSONValue {
        var members: [JSONValue.Member] = [
            .init("code", .string(error.code.description)), .init("status", .integer(error.httpStatus)),
            .init("message", .string(error.message)),
        ]
        if let retryAfter = error.retryAfter {
            members.append(.init("retryAfterMs", .integer(milliseconds(retryAfter))))
        }
        return .object(members)
    }

    /// `retry-after` in whole seconds, as HTTP has it; at least one.
    static func retryHeader(_ error: MartletError) -> [(name: String, value: String)] {
        guard let retryAfter = error.retryAfter else { return [] }
        return [(name: "retry-after", value: "\(max(1, (milliseconds(retryAfter) + 999) / 1_000))")]
    }

    private static func milliseconds(_ duration: Duration) -> Int {
        let (seconds, attoseconds) = duration.components
        return Int(clamping: seconds) &* 1_000 &+ Int(clamping: attoseconds / 1_000_000_000_000_000)
    }
}
