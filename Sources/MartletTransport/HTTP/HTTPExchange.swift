package import MartletCore
package import MartletWire

/// A request as its route sees it, from HTTP/1.1 or HTTP/2.
package struct HTTPExchange: Sendable {
    /// Upper case, such as `POST`.
    package let method: String
    /// Percent-decoded, without the query.
    package let path: String
    /// Values of the `{name}` parts of the route's pattern.
    package let parameters: [String: String]
    /// Decoded pairs of the query, in order.
    package let query: [(name: String, value: String)]
    /// Names in lower case.
    package let headers: CallMetadata
    package let body: any HTTPBody
    package let context: CallContext

    package init(
        method: String, path: String, parameters: [String: String] = [:], query: [(name: String, value: String)] = [],
        headers: CallMetadata = CallMetadata(), body: any HTTPBody, context: CallContext = CallContext()
    ) {
        self.method = method
        self.path = path
        self.parameters = parameters
        self.query = query
        self.headers = headers
        self.body = body
        self.context = context
    }
}

/// The body of a request. One reader.
package protocol HTTPBody: Sendable {
    /// Nil after the last. Asking is what lets the peer send more.
    func next() async throws(MartletError) -> [UInt8]?
}

extension HTTPBody {
    /// The whole body.
    /// - Throws: `.resourceExhausted` above `limit` bytes (413).
    package func collect(atMost limit: Int) async throws(MartletError) -> [UInt8] {
        var bytes: [UInt8] = []
        while let part = try await next() {
            guard part.count <= limit - bytes.count else {
                throw MartletError(
                    .resourceExhausted, "the body is over the limit of \(limit) bytes; send less at once")
            }
            if bytes.isEmpty { bytes = part } else { bytes.append(contentsOf: part) }
        }
        return bytes
    }
}

/// What a route answers.
package struct HTTPResponse: Sendable {
    package enum Body: Sendable {
        case bytes([UInt8])
        /// Sent in parts while the closure runs. An error it throws ends the stream; the route's closure says what the
        /// peer is told before.
        case stream(@Sendable (any MessageSink) async throws(MartletError) -> Void)
    }

    package var status: Int
    /// Names in lower case, `content-type` among them; length and connection headers are the server's.
    package var headers: [(name: String, value: String)]
    package var body: Body

    package init(status: Int = 200, headers: [(name: String, value: String)] = [], body: Body = .bytes([])) {
        self.status = status
        self.headers = headers
        self.body = body
    }

    package init(status: Int = 200, json: JSONValue, headers: [(name: String, value: String)] = []) {
        self.init(
            status: status, headers: [(name: "content-type", value: "application/json")] + headers,
            body: .bytes(json.serialized))
    }
}

/// One row of the route table. Each dialect has its own list of these.
package struct HTTPRoute: Sendable {
    package let method: String
    /// Such as `/v2/models/{model}/versions/{version}/infer`; a `{name}` part matches one path segment, which is decoded.
    package let pattern: String
    /// Changes what is served, so it can be kept to a listener of its own.
    package let isManagement: Bool
    /// How an error looks in this dialect: what the server makes of an error that `run` throws, and of its own
    /// (wrong body length, an overlong header).
    package let failure: @Sendable (MartletError) -> HTTPResponse
    package let run: @Sendable (HTTPExchange) async throws(MartletError) -> HTTPResponse

    package init(
        _ method: String, _ pattern: String, isManagement: Bool = false,
        failure: @escaping @Sendable (MartletError) -> HTTPResponse,
        run: @escaping @Sendable (HTTPExchange) async throws(MartletError) -> HTTPResponse
    ) {
        self.method = method
        self.pattern = pattern
        self.isManagement = isManagement
        self.failure = failure
        self.run = run
    }
}

extension MartletError {
    /// The HTTP status that stands for the code, where a dialect does not have its own.
    package var httpStatus: Int {
        switch code {
        case .invalidArgument, .outOfRange, .failedPrecondition: 400
        case .unauthenticated: 401
        case .permissionDenied: 403
        case .notFound: 404
        case .alreadyExists, .aborted: 409
        case .resourceExhausted: 429
        case .cancelled: 499
        case .unimplemented: 501
        case .unavailable: 503
        case .deadlineExceeded: 504
        default: 500
        }
    }
}
