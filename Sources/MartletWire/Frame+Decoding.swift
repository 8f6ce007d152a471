internal import CMartletProtos
package import MartletCore

extension Frame {
    /// Reads one protobuf `Frame`.
    /// - Throws: `.invalidArgument` or `.resourceExhausted`; both end the connection (PROTOCOL.md section 10).
    package init(decoding bytes: UnsafeRawBufferPointer, arena: Arena) throws(MartletError) {
        let frame = try arena.unpack(bytes, as: "Frame", with: martlet__v1__frame__unpack).pointee
        let call = frame.call_id
        let kind = frame.kind_case
        try Self.checkCall(call, kind)
        switch kind {
        case MARTLET__V1__FRAME__KIND_MESSAGE: self = .message(call, CField.bytes(try Self.part(frame.message).payload))
        case MARTLET__V1__FRAME__KIND_OPEN: self = .open(call, try Open(try Self.part(frame.open)))
        case MARTLET__V1__FRAME__KIND_HALF_CLOSE: self = .halfClose(call)
        case MARTLET__V1__FRAME__KIND_STATUS: self = .status(call, try CallStatus(try Self.part(frame.status)))
        case MARTLET__V1__FRAME__KIND_CANCEL: self = .cancel(call)
        case MARTLET__V1__FRAME__KIND_CREDIT: self = .credit(call, bytes: try Self.part(frame.credit).bytes)
        case MARTLET__V1__FRAME__KIND_HELLO: self = .hello(try Hello(try Self.part(frame.hello)))
        case MARTLET__V1__FRAME__KIND_PING: self = .ping(try Self.part(frame.ping).data)
        case MARTLET__V1__FRAME__KIND_PONG: self = .pong(try Self.part(frame.pong).data)
        case MARTLET__V1__FRAME__KIND_GO_AWAY: self = .goAway(try GoAway(try Self.part(frame.go_away)))
        default: throw MartletError(.invalidArgument, "a frame has no known kind")
        }
    }

    private static func checkCall(
        _ call: CallID, _ kind: Martlet__V1__Frame__KindCase
    ) throws(MartletError) {
        switch kind {
        case MARTLET__V1__FRAME__KIND_HELLO, MARTLET__V1__FRAME__KIND_PING, MARTLET__V1__FRAME__KIND_PONG,
            MARTLET__V1__FRAME__KIND_GO_AWAY:
            guard call == 0 else {
                throw MartletError(.invalidArgument, "a frame about the connection has call_id \(call) instead of 0")
            }
        case MARTLET__V1__FRAME__KIND__NOT_SET:
            break
        default:
            guard call != 0 else { throw MartletError(.invalidArgument, "a frame of a call has call_id 0") }
        }
    }

    /// protobuf-c sets the pointer together with the case; a nil here would be its mistake, and must not be ours.
    private static func part<Part>(_ pointer: UnsafeMutablePointer<Part>?) throws(MartletError) -> Part {
        guard let pointer else { throw MartletError(.invalidArgument, "a frame's kind has no contents") }
        return pointer.pointee
    }
}

extension Frame.Hello {
    fileprivate init(_ hello: Martlet__V1__Hello) throws(MartletError) {
        self.init(
            protocolVersion: hello.protocol, messageBytesMax: hello.message_bytes_max,
            initialCreditBytes: hello.initial_credit_bytes, callsMax: hello.calls_max,
            acceptsCompression: hello.accepts_compression != 0,
            software: try CField.text(hello.software, "hello.software"))
    }
}

extension Frame.Open {
    fileprivate init(_ open: Martlet__V1__Open) throws(MartletError) {
        self.init(
            method: try CField.text(open.method, "open.method"), deadlineMicroseconds: open.deadline_us,
            token: try CField.text(open.token, "open.token"))
        for (index, entry) in CField.elements(open.n_metadata, open.metadata).enumerated() {
            guard let entry = entry?.pointee else { continue }
            metadata.append(
                Frame.Metadata(
                    key: try CField.text(entry.key, "open.metadata[\(index)].key"),
                    value: CField.bytes(entry.value)))
        }
    }
}

extension CallStatus {
    fileprivate init(_ status: Martlet__V1__Status) throws(MartletError) {
        self.init(
            code: status.code, message: try CField.text(status.message, "status.message"),
            details: CField.bytes(status.details), retryAfterMilliseconds: status.retry_after_ms)
    }
}

extension Frame.GoAway {
    fileprivate init(_ goAway: Martlet__V1__GoAway) throws(MartletError) {
        self.init(
            lastCallID: goAway.last_call_id, code: goAway.code,
            reason: try CField.text(goAway.reason, "go_away.reason"))
    }
}
