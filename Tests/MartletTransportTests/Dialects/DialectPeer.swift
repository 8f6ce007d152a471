import MartletCore
import MartletTransport
import MartletWire
import Synchronization
import Testing

/// Speaks to calls and routes without a socket.
struct DialectPeer: Sendable {
    let engine: DialectEngine
    let limits: Limits
    private let calls: CallTable
    private let routes: [HTTPRoute]

    init(_ names: Set<String>? = nil, limits: Limits = Limits()) {
        engine = DialectEngine(names)
        self.limits = limits
        let codec = MessageCodec(arenaBytesMax: limits.decodeArenaBytesMax)
        let readiness = Readiness(handler: engine, drain: DrainSignal())
        calls = CallTable(
            OpenInferenceCalls(
                handler: engine, codec: codec, limits: limits, software: "martlet/test", readiness: readiness
            ).calls
                + TEICalls(handler: engine, codec: codec, limits: limits, software: "martlet/test").calls)
        routes =
            OpenInferenceRoutes(handler: engine, limits: limits, software: "martlet/test", readiness: readiness).routes
            + TEIRoutes(handler: engine, limits: limits, software: "martlet/test", readiness: readiness).routes
            + OpenAIRoutes(handler: engine, limits: limits).routes
    }

    // MARK: Calls

    func call(_ path: String, _ request: ProtoBytes = [], metadata: [String: String] = [:]) async throws -> ProtoFields
    {
        let call = try #require(calls[path], "no call \(path)")
        guard case .unary(let run) = call.body else {
            Issue.record("\(path) is a stream")
            return ProtoFields([])
        }
        return ProtoFields(try await run(request.bytes, Self.context(metadata)))
    }

    func stream(
        _ path: String, _ requests: [ProtoBytes], metadata: [String: String] = [:]
    ) async throws -> (answers: [ProtoFields], error: MartletError?) {
        let call = try #require(calls[path], "no call \(path)")
        guard case .stream(let run) = call.body else {
            Issue.record("\(path) is no stream")
            return ([], nil)
        }
        let sink = Sink()
        do throws(MartletError) {
            try await run(Source(requests.map(\.bytes)), sink, Self.context(metadata))
            return (sink.all.map(ProtoFields.init), nil)
        } catch {
            return (sink.all.map(ProtoFields.init), error)
        }
    }

    private static func context(_ metadata: [String: String]) -> CallContext {
        CallContext(metadata: CallMetadata(metadata.map { ($0.key, Array($0.value.utf8)) }))
    }

    private final class Source: MessageSource {
        private let left: Mutex<[[UInt8]]>
        init(_ messages: [[UInt8]]) { left = Mutex(messages.reversed()) }
        func nextMessage() async throws(MartletError) -> [UInt8]? { left.withLock { $0.popLast() } }
    }

    final class Sink: MessageSink {
        private let messages = Mutex<[[UInt8]]>([])
        var all: [[UInt8]] { messages.withLock { $0 } }
        func send(message: [UInt8]) async throws(MartletError) { messages.withLock { $0.append(message) } }
    }

    // MARK: Routes

    struct Reply {
        let status: Int
        let headers: [String: String]
        let bytes: [UInt8]

        var text: String { String(decoding: bytes, as: UTF8.self) }

        /// The body as JSON; null for none.
        var json: JSONValue {
            get throws { bytes.isEmpty ? .null : try JSONValue(parsing: bytes) }
        }
    }

    func get(_ path: String, headers: [String: String] = [:]) async throws -> Reply {
        try await send("GET", path, body: [], headers: headers)
    }

    func post(_ path: String, _ json: String, headers: [String: String] = [:]) async throws -> Reply {
        try await send("POST", path, body: Array(json.utf8), headers: headers)
    }

    func send(
        _ method: String, _ target: String, body: [UInt8], headers: [String: String] = [:]
    ) async throws -> Reply {
        let parts = target.split(separator: "?", maxSplits: 1).map(String.init)
        let query = (parts.count > 1 ? parts[1].split(separator: "&") : []).map {
            pair -> (name: String, value: String) in
            let sides = pair.split(separator: "=", maxSplits: 1).map(String.init)
            return (sides[0], sides.count > 1 ? sides[1] : "")
        }
        let path = parts.first ?? "/"
        let (route, parameters) = try #require(match(method, path), "no route \(method) \(path)")
        let metadata = CallMetadata(headers.map { ($0.key, Array($0.value.utf8)) })
        let exchange = HTTPExchange(
            method: method, path: path, parameters: parameters, query: query, headers: metadata, body: Body(body),
            context: CallContext(metadata: metadata))
        let response: HTTPResponse
        do throws(MartletError) { response = try await route.run(exchange) } catch { response = route.failure(error) }
        var bytes: [UInt8]
        switch response.body {
        case .bytes(let whole): bytes = whole
        case .stream(let run):
            let sink = Sink()
            try await run(sink)
            bytes = Array(sink.all.joined())
        }
        return Reply(
            status: response.status,
            headers: Dictionary(response.headers.map { ($0.name, $0.value) }) { first, _ in first }, bytes: bytes)
    }

    private func match(_ method: String, _ path: String) -> (HTTPRoute, [String: String])? {
        let segments = path.split(separator: "/").map(String.init)
        var best: (HTTPRoute, [String: String])?
        for route in routes where route.method == method {
            let pattern = route.pattern.split(separator: "/").map(String.init)
            guard pattern.count == segments.count else { continue }
            var parameters: [String: String] = [:]
            let fits = zip(pattern, segments).allSatisfy { part, segment in
                guard part.hasPrefix("{") else { return part == segment }
                parameters[String(part.dropFirst().dropLast())] = segment
                return true
            }
            // A literal goes before a parameter.
            if fits, best.map({ parameters.count < $0.1.count }) ?? true { best = (route, parameters) }
        }
        return best
    }

    private final class Body: HTTPBody {
        private let bytes: Mutex<[UInt8]?>
        init(_ bytes: [UInt8]) { self.bytes = Mutex(bytes) }
        func next() async throws(MartletError) -> [UInt8]? {
            bytes.withLock { bytes in
                defer { bytes = nil }
                return bytes
            }
        }
    }
}

extension JSONValue {
    /// The text of a string; nil for another value.
    var text: String? { if case .string(let text) = self { text } else { nil } }
    var elements: [JSONValue] { if case .array(let elements) = self { elements } else { [] } }
    var number: Double? { if case .number(let number) = self { number.double } else { nil } }
    var names: [String] { if case .object(let members) = self { members.map(\.name) } else { [] } }
}
