package import MartletCore

extension CallStatus {
    /// What a peer is told about `error`; its cause stays here.
    package init(_ error: MartletError) {
        // A failure must not arrive as success, whatever code it was given.
        let code = error.code.value == 0 ? MartletError.Code.unknown.value : error.code.value
        var milliseconds: UInt32 = 0
        if let wait = error.retryAfter, wait > .zero {
            // Rounded up: a hint of 300 us must not become "no hint".
            let (seconds, attoseconds) = wait.components
            let whole = seconds > Int64(UInt32.max) ? Int64(UInt32.max) : seconds * 1_000
            milliseconds = UInt32(clamping: whole + (attoseconds + 999_999_999_999_999) / 1_000_000_000_000_000)
        }
        self.init(code: code, message: error.message, retryAfterMilliseconds: milliseconds)
    }

    /// The error this status stands for; nil for success.
    package var error: MartletError? {
        guard code != 0 else { return nil }
        return MartletError(
            MartletError.Code(value: code), message,
            retryAfter: retryAfterMilliseconds == 0 ? nil : .milliseconds(Int64(retryAfterMilliseconds)))
    }
}
