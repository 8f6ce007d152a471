package import MartletCore

/// The `google.rpc.Status` of an error, as `grpc-status-details-bin` carries it: an `ErrorInfo` whose reason is the name
/// of the code, and a `RetryInfo` where waiting helps.
///
/// The three messages are small and fixed, and their protos import more of googleapis than the server speaks; so their
/// bytes are written here. Field numbers: google/rpc/status.proto, google/rpc/error_details.proto.
package enum StatusDetails {
    package static func encoded(_ error: MartletError) -> [UInt8] {
        let status = CallStatus(error)
        var message: [UInt8] = []
        Self.number(1, UInt64(truncatingIfNeeded: Int64(status.code)), to: &message)
        Self.bytes(2, Array(status.message.utf8), to: &message)
        var information: [UInt8] = []
        Self.bytes(1, Array(error.code.description.utf8), to: &information)
        Self.bytes(2, Array("martlet".utf8), to: &information)
        Self.bytes(3, any("google.rpc.ErrorInfo", information), to: &message)
        if status.retryAfterMilliseconds > 0 {
            var delay: [UInt8] = []
            Self.number(1, UInt64(status.retryAfterMilliseconds / 1_000), to: &delay)
            Self.number(2, UInt64(status.retryAfterMilliseconds % 1_000) * 1_000_000, to: &delay)
            var retry: [UInt8] = []
            Self.bytes(1, delay, to: &retry)
            Self.bytes(3, any("google.rpc.RetryInfo", retry), to: &message)
        }
        return message
    }

    private static func any(_ type: String, _ value: [UInt8]) -> [UInt8] {
        var any: [UInt8] = []
        bytes(1, Array("type.googleapis.com/\(type)".utf8), to: &any)
        bytes(2, value, to: &any)
        return any
    }

    private static func number(_ field: UInt8, _ value: UInt64, to message: inout [UInt8]) {
        guard value != 0 else { return }
        message.append(field << 3)
        varint(value, to: &message)
    }

    private static func bytes(_ field: UInt8, _ value: [UInt8], to message: inout [UInt8]) {
        message.append(field << 3 | 2)
        varint(UInt64(value.count), to: &message)
        message += value
    }

    private static func varint(_ value: UInt64, to message: inout [UInt8]) {
        var rest = value
        while rest >= 0x80 {
            message.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        message.append(UInt8(rest))
    }
}
