package import MartletCore

/// The value of `grpc-timeout`: at most 8 digits and a unit (gRPC over HTTP/2, "Timeout").
package enum GRPCTimeout {
    /// - Throws: `.invalidArgument` for anything that is no such value.
    package static func parse(_ text: String) throws(MartletError) -> Duration {
        var text = text
        let parsed = text.withUTF8 { bytes -> Duration? in
            guard (2...9).contains(bytes.count), let unit = bytes.last else { return nil }
            var number: Int64 = 0
            for digit in bytes.dropLast() {
                guard (0x30...0x39).contains(digit) else { return nil }
                number = number * 10 + Int64(digit - 0x30)
            }
            switch unit {
            case UInt8(ascii: "H"): return .seconds(number * 3_600)
            case UInt8(ascii: "M"): return .seconds(number * 60)
            case UInt8(ascii: "S"): return .seconds(number)
            case UInt8(ascii: "m"): return .milliseconds(number)
            case UInt8(ascii: "u"): return .microseconds(number)
            case UInt8(ascii: "n"): return .nanoseconds(number)
            default: return nil
            }
        }
        guard let parsed else {
            throw MartletError(
                .invalidArgument, "grpc-timeout must be 1 to 8 digits and one of H, M, S, m, u, n, such as 250m")
        }
        return parsed
    }
}
