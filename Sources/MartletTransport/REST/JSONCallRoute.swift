internal import MartletCore
internal import MartletWire
internal import Synchronization

/// One call as an HTTP route: JSON to messages, messages to JSON.
struct JSONCallRoute: Sendable {
    let line: JSONRoutes.Line
    let call: Call
    let types: SchemaMethod
    let limits: Limits
    let choice: ModelChoice
    /// The number of the request's `model`, where a request without one can still be meant for some model.
    private let modelField: Int?

    init(line: JSONRoutes.Line, call: Call, types: SchemaMethod, limits: Limits, choice: ModelChoice) {
        self.line = line
        self.call = call
        self.types = types
        self.limits = limits
        self.choice = choice
        let field = Schema.embedded.messages[types.input].field(named: "model")
        // A text, as of a rollout, is the model that is changed: there is no default for that.
        modelField =
            if line.method == "POST", let field, case .message = field.kind, !call.isManagement {
                field.number
            } else {
                nil
            }
    }

    private var json: MessageJSON { .embedded }

    func run(_ exchange: HTTPExchange) async throws(MartletError) -> HTTPResponse {
        switch call.body {
        case .unary(let run):
            let answer = try await run(try await request(exchange), exchange.context)
            return Self.response(try json.json(of: answer, as: types.output))
        case .stream(let run):
            let requests = try await source(exchange)
            if call.method == .classifyDocument, exchange.accepts("application/json") {
                return try await lastOnly(run, requests, exchange.context)
            }
            return EventStream(exchange: exchange, message: types.output).response { (sink) throws(MartletError) in
                try await run(requests, sink, exchange.context)
            }
        }
    }

    // MARK: Requests

    /// The only request of a call: its body, then what path and query say.
    private func request(_ exchange: HTTPExchange) async throws(MartletError) -> [UInt8] {
        var wire: [UInt8] = []
        if line.method != "GET" {
            let body = try await exchange.jsonBytes(atMost: limits.messageBytesMax)
            if !body.isEmpty { wire = try json.wire(of: body, as: types.input) }
        }
        let texts = exchange.parameters.map { (name: $0.key, value: $0.value) } + exchange.query
        // Fields that come later replace the same ones before, by the rules of the wire format.
        wire += try json.wire(ofTexts: texts, as: types.input)
        if let modelField, !(try WireReader(wire).has(modelField)) {
            let model = try await choice.reference(exchange.context, task: task)
            wire += try json.wire(ofTexts: [(name: "model", value: model.description)], as: types.input)
        }
        return wire
    }

    /// What the model must be able to do; nil for anything.
    private var task: ModelTask? {
        switch call.method {
        case .classify: .classification
        case .embed: .embedding
        default: nil
        }
    }

    private func source(_ exchange: HTTPExchange) async throws(MartletError) -> any MessageSource {
        guard call.method.clientStreams else { return SingleMessage(try await request(exchange)) }
        switch exchange.contentType {
        case "text/plain" where call.method == .classifyDocument:
            return PlainDocument(body: exchange.body, options: try await options(exchange))
        case "application/x-ndjson", "application/jsonl", "application/ndjson":
            guard exchange.query.isEmpty else { throw Self.noQuery }
            return JSONLines(body: exchange.body, message: types.input, limits: limits)
        case "application/json", nil:
            guard exchange.query.isEmpty else { throw Self.noQuery }
            return SingleMessage(try await request(exchange))
        case let type?:
            let plain = call.method == .classifyDocument ? ", text/plain" : ""
            throw .http(
                415, .invalidArgument,
                "the content type is \(HTTPExchange.shown(type)); this path takes application/x-ndjson\(plain) and "
                    + "application/json")
        }
    }

    private static var noQuery: MartletError {
        MartletError(.invalidArgument, "the query is for a text/plain document; here the options stand in the body")
    }

    /// The document options that stand in a query.
    private func options(_ exchange: HTTPExchange) async throws(MartletError) -> [UInt8] {
        if let charset = exchange.charset, charset != "utf-8", charset != "utf8", charset != "us-ascii" {
            throw .http(
                415, .invalidArgument, "the document's charset must be utf-8, not \(HTTPExchange.shown(charset))")
        }
        guard let options = Schema.embedded.message(named: "martlet.v1.DocumentOptions") else {
            throw MartletError(.internalError, "the protos have no document options")
        }
        var texts = exchange.query
        if !texts.contains(where: { $0.name == "model" || $0.name.hasPrefix("model.") }) {
            let model = try await choice.reference(exchange.context, task: .classification)
            texts.append((name: "model", value: model.description))
        }
        if exchange.accepts("application/json") {
            // Nobody would see them.
            for name in ["omitWindows", "omitRunning"] where !texts.contains(where: { $0.name == name }) {
                texts.append((name: name, value: "true"))
            }
        }
        return try json.wire(ofTexts: texts, as: options)
    }

    // MARK: Answers

    /// `accept: application/json` on a stream: only the last message, such as a document's final verdict.
    private func lastOnly(
        _ run: Call.Stream, _ requests: any MessageSource, _ context: CallContext
    ) async throws(MartletError) -> HTTPResponse {
        let last = LastMessage()
        try await run(requests, last, context)
        guard let message = last.message else { throw MartletError(.internalError, "the call gave no answer") }
        // Of a oneof, such as `{"final": {...}}`, the value itself.
        var reader = WireReader(message)
        let type = Schema.embedded.messages[types.output]
        if type.oneofs.count == 1, let key = try reader.next(), key.type == .lengthDelimited,
            let field = type.fields.first(where: { $0.number == key.number }),
            field.oneof != nil, case .message(let inner) = field.kind
        {
            let value = Array(message[try reader.delimited()])
            return try Self.response(json.json(of: value, as: inner))
        }
        return try Self.response(json.json(of: message, as: types.output))
    }

    private static func response(_ bytes: [UInt8]) -> HTTPResponse {
        HTTPResponse(headers: [(name: "content-type", value: "application/json")], body: .bytes(bytes))
    }
}

/// Keeps the last message of a stream.
private final class LastMessage: MessageSink {
    private let last = Mutex<[UInt8]?>(nil)
    var message: [UInt8]? { last.withLock { $0 } }
    func send(message: [UInt8]) async throws(MartletError) { last.withLock { $0 = message } }
}
