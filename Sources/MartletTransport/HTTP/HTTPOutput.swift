internal import MartletCore
internal import MartletWire
internal import NIOCore
internal import NIOHTTP1

/// Makes the head of an answer: what a route said, and what is the connection's to say.
struct HTTPOutput {
    var date = HTTPDate()
    /// A stream of HTTP/2 has no connection headers.
    let isStream: Bool
    let compresses: Bool

    /// Answers below this gain nothing.
    private static let compressedBytesMin = 1_024

    struct Request {
        var isHead = false
        var isVersion1_0 = false
        var acceptsGzip = false
    }

    /// - Parameters:
    ///   - body: nil for a stream of unknown length.
    ///   - closes: the connection ends with this answer.
    /// - Returns: the head, and the body as it leaves.
    mutating func answer(
        _ response: HTTPResponse, body: [UInt8]?, to request: Request, closes: Bool
    ) -> (head: HTTPResponseHead, body: [UInt8]?) {
        var body = body
        var headers: [(String, String)] = []
        headers.reserveCapacity(response.headers.count + 4)
        for header in response.headers { headers.append((header.name, header.value)) }
        let mayHaveBody = response.status >= 200 && response.status != 204 && response.status != 304
        if let bytes = body, mayHaveBody {
            if compresses, bytes.count >= Self.compressedBytesMin {
                headers.append(("vary", "accept-encoding"))
                if request.acceptsGzip, Self.isText(response),
                    let smaller = bytes.withUnsafeBytes({ Zlib.deflated($0, format: .gzip) })
                {
                    headers.append(("content-encoding", "gzip"))
                    body = smaller
                }
            }
            headers.append(("content-length", "\(body?.count ?? 0)"))
        }
        headers.append(("date", date.now()))
        if !isStream {
            if closes {
                headers.append(("connection", "close"))
            } else if request.isVersion1_0 {
                headers.append(("connection", "keep-alive"))
            }
        }
        let head = HTTPResponseHead(
            version: request.isVersion1_0 ? .http1_0 : .http1_1,
            status: HTTPResponseStatus(statusCode: response.status), headers: HTTPHeaders(headers))
        return (head, request.isHead || !mayHaveBody ? nil : body)
    }

    private static func isText(_ response: HTTPResponse) -> Bool {
        guard let type = response.headers.first(where: { $0.name == "content-type" })?.value else { return false }
        return type.hasPrefix("text/") || type.hasPrefix("application/json") || type.contains("+json")
    }
}
