internal import Glibc
internal import MartletCore
internal import NIOCore
internal import NIOPosix

/// Why no connection came about, and what to do.
enum ConnectFailure {
    static func explain(_ error: any Error, address: ServerAddress, limit: Duration) -> MartletError {
        switch error {
        case let error as MartletError: return error
        case ChannelError.connectTimeout: return timeout(address, limit)
        case let error as NIOConnectionError:
            if let single = error.connectionErrors.first?.error {
                return explain(single, address: address, limit: limit)
            }
            return MartletError(.unavailable, "the host of \(address) is not known here; check its name", cause: error)
        case let error as IOError:
            switch error.errnoCode {
            case ECONNREFUSED, ENOENT:
                return MartletError(
                    .unavailable, "nobody listens on \(address); start a server there or name another address",
                    retryAfter: .seconds(1), cause: error)
            case ETIMEDOUT: return timeout(address, limit)
            case EACCES, EPERM:
                return MartletError(.permissionDenied, "no permission to connect to \(address)", cause: error)
            default: break
            }
        default: break
        }
        return MartletError(.unavailable, "cannot connect to \(address)", retryAfter: .seconds(1), cause: error)
    }

    private static func timeout(_ address: ServerAddress, _ limit: Duration) -> MartletError {
        MartletError(.deadlineExceeded, "\(address) did not answer within \(limit); check the address and the network")
    }
}
