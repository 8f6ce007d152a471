package import MartletCore

/// What a transport has to say for the log. It holds no request text and no peer address.
package enum TransportNotice: Sendable, CustomStringConvertible {
    /// The peer broke the protocol; its connection was ended, the others go on.
    case protocolError(MartletError)
    /// The first bytes were not of a protocol spoken here.
    case unknownProtocol(guess: String)
    /// A TLS handshake that did not come to its end.
    case failedHandshake(reason: String)
    /// Refused on accept.
    case tooManyConnections(limit: Int)
    /// The peer did not read its answers.
    case closedStalledReader
    case closedIdle
    /// The listener could not accept, and goes on trying.
    case acceptFailed(reason: String)

    package var description: String {
        switch self {
        case .protocolError(let error): "closed a connection that broke the protocol: \(error)"
        case .unknownProtocol(let guess): "closed a connection that does not speak a known protocol: \(guess)"
        case .failedHandshake(let reason): "closed a connection whose TLS handshake failed: \(reason)"
        case .tooManyConnections(let limit): "refused a connection: \(limit) are open, the most allowed"
        case .closedStalledReader: "closed a connection whose peer does not read"
        case .closedIdle: "closed a connection without calls"
        case .acceptFailed(let reason): "could not accept a connection: \(reason)"
        }
    }
}
