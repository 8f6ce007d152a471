internal import MartletCore
internal import MartletWire

/// A stream of messages as an HTTP answer: server-sent events, or JSON lines where `accept` asks for them.
struct EventStream: Sendable {
    private let isLines: Bool
    private let message: Int

    init(exchange: HTTPExchange, message: Int) {
        isLines = ["application/x-ndjson", "application/jsonl", "application/ndjson"].contains { exchange.accepts($0) }
        self.message = message
    }

    /// - Parameter run: sends messages; they leave as events.
    func response(
        _ run: @escaping @Sendable (any MessageSink) async throws(MartletError) -> Void
    ) -> HTTPResponse {
        var response = HTTPResponse(
            headers: [
                (name: "content-type", value: isLines ? "application/x-ndjson" : "text/event-stream"),
                (name: "cache-control", value: "no-cache"),
            ],
            body: .stream { (sink) throws(MartletError) in try await run(EventSink(sink: sink, stream: self)) })
        // A blank line in NDJSON, a comment among events.
        response.heartbeat = isLines ? [0x0A] : Array(": keep-alive\n\n".utf8)
        response.failureEvent = { error in
            frame(JSONValue.object([.init("error", HTTPFailure.object(error))]).serialized, event: "error")
        }
        return response
    }

    fileprivate func event(_ wire: [UInt8]) throws(MartletError) -> [UInt8] {
        let json = try MessageJSON.embedded.json(of: wire, as: message)
        return frame(json, event: isLines ? nil : try name(of: wire))
    }

    /// The member of the message's oneof that is set, such as `window`; nil for a message without one.
    private func name(of wire: [UInt8]) throws(MartletError) -> String? {
        let type = Schema.embedded.messages[message]
        guard type.oneofs.count == 1 else { return nil }
        var reader = WireReader(wire)
        while let key = try reader.next() {
            if let index = type.index(ofNumber: key.number), type.fields[index].oneof != nil {
                return type.fields[index].jsonName
            }
            try reader.skip(key.type)
        }
        return nil
    }

    private func frame(_ json: [UInt8], event: String?) -> [UInt8] {
        if isLines { return json + [0x0A] }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(json.count + 32)
        if let event { bytes.append(contentsOf: "event: \(event)\n".utf8) }
        bytes.append(contentsOf: "data: ".utf8)
        bytes.append(contentsOf: json)
        bytes.append(contentsOf: "\n\n".utf8)
        return bytes
    }
}

private struct EventSink: MessageSink {
    let sink: any MessageSink
    let stream: EventStream

    func send(message: [UInt8]) async throws(MartletError) { try await sink.send(message: try stream.event(message)) }
}
