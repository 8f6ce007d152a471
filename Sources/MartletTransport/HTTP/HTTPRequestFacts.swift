internal import MartletCore
internal import NIOHTTP1

/// What the head of a request says, checked. The parser in front has read its grammar already.
package struct HTTPRequestFacts: Sendable {
    let method: String
    let target: HTTPTarget
    let headers: CallMetadata
    let context: CallContext
    /// The client is prepared to send another request on this connection.
    let keepsAlive: Bool
    let isVersion1_0: Bool
    /// `Expect: 100-continue`: the body comes once we ask for it.
    let waitsForContinue: Bool
    let acceptsGzip: Bool
    /// Stated by `content-length`; nil for a chunked body.
    let declaredLength: Int?
    /// The body came compressed by gzip.
    let isGzipped: Bool

    /// The header that holds a call's time limit.
    static let timeoutHeader = "x-martlet-timeout-ms"

    /// - Parameter isStream: a stream of HTTP/2, where framing is not in headers.
    /// - Throws: an error with its HTTP status: 400 for what could be read in two ways, 417 for another expectation,
    ///   415 for a body in an unknown coding.
    init(_ head: HTTPRequestHead, isStream: Bool, arrival: ContinuousClock.Instant) throws(MartletError) {
        method = head.method.rawValue
        target = try HTTPTarget(head.uri)
        isVersion1_0 = !isStream && head.version.minor == 0
        var all: [(name: String, value: [UInt8])] = []
        all.reserveCapacity(head.headers.count)
        var metadata: [(name: String, value: [UInt8])] = []
        var hosts = 0
        var length: String?
        var isChunked = false
        var expects = false
        var upgrades = false
        var gzipAnswers = false
        var gzipBody = false
        var timeout: Duration?
        for (name, value) in head.headers {
            let name = Self.lowercased(name)
            all.append((name: name, value: Array(value.utf8)))
            switch name {
            case "host": hosts += 1
            case "content-length":
                guard length == nil else { throw Self.bad("content-length came twice") }
                length = value
            case "transfer-encoding":
                guard !isChunked, value.lowercased() == "chunked" else {
                    throw Self.bad("transfer-encoding must be 'chunked', and come once")
                }
                isChunked = true
            case "expect":
                guard value.lowercased() == "100-continue" else {
                    throw .http(417, .invalidArgument, "the only expectation that is met is 100-continue")
                }
                expects = true
            case "accept-encoding": gzipAnswers = gzipAnswers || Self.acceptsGzip(value)
            case "content-encoding":
                switch value.lowercased() {
                case "gzip", "x-gzip": gzipBody = true
                case "identity", "": break
                default:
                    throw .http(
                        415, .invalidArgument, "content-encoding must be gzip, or absent; this server reads no other")
                }
            case Self.timeoutHeader:
                guard let milliseconds = Int(value), (1...86_400_000).contains(milliseconds) else {
                    throw Self.bad("\(name) must be a whole number of milliseconds from 1 to 86400000")
                }
                timeout = .milliseconds(milliseconds)
            case "accept", "accept-language", "connection", "content-type", "cookie", "keep-alive", "te", "user-agent":
                break
            case "upgrade": upgrades = true
            default: metadata.append((name: name, value: Array(value.utf8)))
            }
        }
        if !isStream {
            guard hosts == 1 || isVersion1_0 && hosts == 0 else {
                throw Self.bad(hosts == 0 ? "the host header is missing" : "the host header came twice")
            }
            guard !isChunked || length == nil else {
                throw Self.bad("content-length and transfer-encoding must not come together")
            }
            guard !isChunked || !isVersion1_0 else { throw Self.bad("HTTP/1.0 has no transfer-encoding") }
        }
        if let length {
            guard !length.isEmpty, length.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let bytes = Int(length)
            else {
                throw Self.bad("content-length must be a whole number of bytes")
            }
            declaredLength = bytes
        } else {
            declaredLength = isChunked || isStream ? nil : 0
        }
        // An upgrade is declined, and the parser reads nothing after it.
        keepsAlive = head.isKeepAlive && !upgrades
        waitsForContinue = expects && !isVersion1_0 && declaredLength != 0
        acceptsGzip = gzipAnswers
        isGzipped = gzipBody
        headers = CallMetadata(all)
        context = CallContext(
            deadline: Deadline(timeout.map { arrival.advanced(by: $0) }), arrival: arrival,
            metadata: CallMetadata(metadata))
    }

    /// Most names come in lower case already, from HTTP/2 all of them.
    private static func lowercased(_ name: String) -> String {
        name.utf8.contains { (0x41...0x5A).contains($0) } ? name.lowercased() : name
    }

    private static func bad(_ message: String) -> MartletError { .http(400, .invalidArgument, message) }

    /// `gzip` or `*` in an accept-encoding list, with a weight above zero.
    package static func acceptsGzip(_ value: String) -> Bool {
        for coding in value.lowercased().split(separator: ",") {
            let parts = coding.split(separator: ";").map { $0.filter { $0 != " " && $0 != "\t" } }
            guard let name = parts.first, name == "gzip" || name == "x-gzip" || name == "*" else { continue }
            let weight = parts.dropFirst().first { $0.hasPrefix("q=") }.flatMap { Double($0.dropFirst(2)) } ?? 1
            if weight > 0 { return true }
        }
        return false
    }
}
