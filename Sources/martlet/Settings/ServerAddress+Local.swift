import MartletCore

extension ServerAddress {
    /// Port 0, which never names the same port twice.
    package var takesAnyPort: Bool {
        if case .tcp(_, 0) = self { true } else { false }
    }

    /// True when no other machine can connect: a Unix socket, `localhost`, 127.0.0.0/8 or ::1.
    package var isLocal: Bool {
        switch self {
        case .unix: return true
        case .tcp(let host, _):
            if host == "localhost" || host == "::1" { return true }
            let parts = host.split(separator: ".", omittingEmptySubsequences: false)
            return parts.count == 4 && parts.allSatisfy { UInt8($0) != nil } && parts.first == "127"
        }
    }
}
