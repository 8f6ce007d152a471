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

    /// The whole body.
    /// - Throws: `.resourceExhausted` above `limit` bytes (413).
    func collect(atMost limit: Int) async throws(MartletError) -> [UInt8]
}

extension HTTPBody {
    package func collect(atMost limit: Int) async throws(MartletError) -> [UInt8] {
        var bytes: [UInt8] = []
        while let part = try await next() {
            guard part.count <= limit - bytes.count else { throw .bodyTooLarge(limit: limit) }
            if bytes.isEmpty { bytes = part } else { bytes.append(contentsOf: part) }
        }
        return bytes
    }
}

extension MartletError {
    package static func bodyTooLarge(limit: Int) -> MartletError {
        .http(413, .resourceExhausted, "the body is over the limit of \(limit) bytes; send less at once")
    }
}

extension HTTPExchange {
    /// The body as JSON. A missing content type is taken for JSON.
    /// - Throws: 415 for another content type, 413 above `limit` bytes, 400 for what is not JSON.
    package func json(atMost limit: Int) async throws(MartletError) -> JSONValue {
        try JSONValue(parsing: try await jsonBytes(atMost: limit))
    }

    /// The body's bytes, which claim to be JSON.
    func jsonBytes(atMost limit: Int) async throws(MartletError) -> [UInt8] {
        if let type = contentType, type != "application/json", !type.hasSuffix("+json") {
            throw .http(
                415, .invalidArgument,
                "the content type is \(Self.shown(type)); send the header content-type: application/json")
        }
        return try await body.collect(atMost: limit)
    }

    private static let jsonType = Array("application/json".utf8)

    /// The media type of the body in lower case, without parameters; nil when none is given.
    package var contentType: String? {
        guard let bytes = headers.entries.last(where: { $0.name == "content-type" })?.value else { return nil }
        if bytes == Self.jsonType { return "application/json" }
        let value = String(decoding: bytes, as: UTF8.self)
        let type = value.prefix { $0 != ";" }.lowercased().filter { $0 != " " && $0 != "\t" }
        return type.isEmpty ? nil : type
    }

    /// The charset that the content type names, in lower case.
    var charset: String? {
        headers["content-type"]?.split(separator: ";").dropFirst()
            .map { $0.lowercased().filter { $0 != " " && $0 != "\"" } }
            .first { $0.hasPrefix("charset=") }
            .map { String($0.dropFirst("charset=".count)) }
    }

    /// Whether the client's `accept` names this media type. A type that is not named is not refused either: the default
    /// of a route answers then.
    package func accepts(_ type: String) -> Bool {
        headers.entries.contains { name, value in
            name == "accept" && String(decoding: value, as: UTF8.self).lowercased().contains(type)
        }
    }

    /// What a peer sent, short enough and plain enough for a message.
    static func shown(_ text: String) -> String {
        "'" + String(text.prefix(60).filter { $0.isASCII && !$0.isNewline && $0 != "'" }) + "'"
    }
}

/// What a route answers.
package struct HTTPResponse: Sendable {
    package enum Body: Sendable {
        case bytes([UInt8])
        /// Sent in parts while the closure runs. Status and headers leave with the first part: an error that is thrown
        /// before becomes the route's `failure`, one that comes later is told by `failureEvent`.
        case stream(@Sendable (any MessageSink) async throws(MartletError) -> Void)
    }

    package var status: Int
    /// Names in lower case, `content-type` among them; length and connection headers are the server's.
    package var headers: [(name: String, value: String)]
    package var body: Body
    /// Sent in a stream that has been silent for a while, so that proxies keep the connection; empty for none.
    package var heartbeat: [UInt8] = []
    /// The last part of a stream that fails. Without it the connection is cut, so that the peer sees that it was.
    package var failureEvent: (@Sendable (MartletError) -> [UInt8])?

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
    /// Such as `/v2/models/{model}/versions/{version}/infer`; a `{name}` part matches one path segment, which is
    /// decoded.
    package let pattern: String
    /// Changes what is served, so it can be kept to a listener of its own.
    package let isManagement: Bool
    /// What the OpenAPI document says about it; nil leaves only method and path there.
    package let documentation: HTTPDocumentation?
    /// How an error looks in this dialect: what the server makes of an error that `run` throws, and of its own
    /// (wrong body length, an overlong header).
    package let failure: @Sendable (MartletError) -> HTTPResponse
    package let run: @Sendable (HTTPExchange) async throws(MartletError) -> HTTPResponse

    package init(
        _ method: String, _ pattern: String, isManagement: Bool = false, documentation: HTTPDocumentation? = nil,
        failure: @escaping @Sendable (MartletError) -> HTTPResponse,
        run: @escaping @Sendable (HTTPExchange) async throws(MartletError) -> HTTPResponse
    ) {
        self.method = method
        self.pattern = pattern
        self.isManagement = isManagement
        self.documentation = documentation
        self.failure = failure
        self.run = run
    }
}
