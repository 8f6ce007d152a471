internal import MartletWire

/// What a connection speaks, told by how it begins.
enum FirstBytes: Hashable {
    case native
    /// The connection preface of HTTP/2, prior knowledge.
    case http2
    /// A method of HTTP/1.1.
    case http1
    /// A TLS handshake record.
    case tls
    /// More bytes are needed.
    case incomplete
    case unknown

    private static let http2Preface = Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8)

    init(_ bytes: some Collection<UInt8>) {
        guard let first = bytes.first else {
            self = .incomplete
            return
        }
        switch Preface.match(bytes.prefix(Preface.bytes.count)) {
        case .complete: self = .native
        case .incomplete: self = .incomplete
        case .wrong:
            if bytes.starts(with: Self.http2Preface) {
                self = .http2
            } else if Self.http2Preface.starts(with: bytes) {
                self = .incomplete
            } else if first == 0x16 {
                self = .tls
            } else {
                // Every method of HTTP in use is upper-case letters, as is every protocol that is not HTTP; the parser
                // behind this one answers those with 400.
                self = (0x41...0x5A).contains(first) ? .http1 : .unknown
            }
        }
    }
}
