/// Where a Martlet server listens.
public enum ServerAddress: Sendable, Hashable, CustomStringConvertible {
    /// A server that listens on port 0 takes any free one.
    case tcp(host: String, port: Int)
    /// The path of a Unix socket: the fastest way to a server on the same machine.
    case unix(path: String)

    /// Reads `unix:PATH`, `HOST:PORT` or `[IPV6]:PORT`; nil when the text has another form.
    /// - Parameter ports: those that make sense: 0 for a server only.
    public init?(parsing text: String, ports: ClosedRange<Int> = 1...65_535) {
        if text.hasPrefix("unix:") {
            let path = String(text.dropFirst("unix:".count))
            guard !path.isEmpty else { return nil }
            self = .unix(path: path)
            return
        }
        guard let colon = text.lastIndex(of: ":"), let port = Int(text[text.index(after: colon)...]),
            ports.contains(port)
        else { return nil }
        var host = String(text[..<colon])
        if host.hasPrefix("["), host.hasSuffix("]") {
            host = String(host.dropFirst().dropLast())
        } else if host.contains(":") {
            return nil
        }
        guard !host.isEmpty else { return nil }
        self = .tcp(host: host, port: port)
    }

    public var description: String {
        switch self {
        case .tcp(let host, let port): host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
        case .unix(let path): "unix:\(path)"
        }
    }
}
