package import MartletCore

/// The `google.rpc.Status` of an error, as `grpc-status-details-bin` carries it: an `ErrorInfo` whose reason is the
/// name of the code, and a `RetryInfo` where waiting helps.
///
/// The three messages are small and fixed, and their protos import more of googleapis than the server speaks; so their
/// bytes are written here. Field numbers: google/rpc/status.proto, google/rpc/error_details.proto.
package enum StatusDetails {
    package static func encoded(_ error: MartletError) -> [UInt8] {
        let status = CallStatus(error)
        var message = WireWriter()
        message.field(1, UInt64(truncatingIfNeeded: Int64(status.code)))
        message.field(2, status.message.utf8)
        var information = WireWriter()
        information.field(1, error.code.description.utf8)
        information.field(2, "martlet".utf8)
        message.field(3, any("google.rpc.ErrorInfo", information))
        if status.retryAfterMilliseconds > 0 {
            var delay = WireWriter()
            delay.field(1, UInt64(status.retryAfterMilliseconds / 1_000))
            delay.field(2, UInt64(status.retryAfterMilliseconds % 1_000) * 1_000_000)
            var retry = WireWriter()
            retry.field(1, delay.bytes)
            message.field(3, any("google.rpc.RetryInfo", retry))
        }
        return message.bytes
    }

    private static func any(_ type: String, _ value: WireWriter) -> [UInt8] {
        var any = WireWriter()
        any.field(1, "type.googleapis.com/\(type)".utf8)
        any.field(2, value.bytes)
        return any.bytes
    }
}
