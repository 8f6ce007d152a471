internal import CMartletProtos
internal import CProtobufC

extension Frame {
    /// The frame as a generated message in `arena`. A payload is borrowed, not copied, and only valid inside `use`.
    func build<Result>(in arena: Arena, _ use: (UnsafeMutablePointer<Martlet__V1__Frame>) -> Result) -> Result {
        let frame = arena.make(martlet__v1__frame__init)
        switch self {
        case .message(let call, let payload):
            let message = arena.make(martlet__v1__message__init)
            set(frame, call, MARTLET__V1__FRAME__KIND_MESSAGE)
            frame.pointee.message = message
            return payload.withUnsafeBufferPointer { payload in
                message.pointee.payload = ProtobufCBinaryData(
                    len: payload.count, data: UnsafeMutablePointer(mutating: payload.baseAddress))
                return use(frame)
            }
        case .hello(let hello):
            set(frame, 0, MARTLET__V1__FRAME__KIND_HELLO)
            frame.pointee.hello = hello.build(in: arena)
        case .open(let call, let open):
            set(frame, call, MARTLET__V1__FRAME__KIND_OPEN)
            frame.pointee.open = open.build(in: arena)
        case .halfClose(let call):
            set(frame, call, MARTLET__V1__FRAME__KIND_HALF_CLOSE)
            frame.pointee.half_close = arena.make(martlet__v1__half_close__init)
        case .status(let call, let status):
            set(frame, call, MARTLET__V1__FRAME__KIND_STATUS)
            frame.pointee.status = status.build(in: arena)
        case .cancel(let call):
            set(frame, call, MARTLET__V1__FRAME__KIND_CANCEL)
            frame.pointee.cancel = arena.make(martlet__v1__cancel__init)
        case .credit(let call, let bytes):
            set(frame, call, MARTLET__V1__FRAME__KIND_CREDIT)
            let credit = arena.make(martlet__v1__credit__init)
            credit.pointee.bytes = bytes
            frame.pointee.credit = credit
        case .ping(let data):
            set(frame, 0, MARTLET__V1__FRAME__KIND_PING)
            let ping = arena.make(martlet__v1__ping__init)
            ping.pointee.data = data
            frame.pointee.ping = ping
        case .pong(let data):
            set(frame, 0, MARTLET__V1__FRAME__KIND_PONG)
            let pong = arena.make(martlet__v1__pong__init)
            pong.pointee.data = data
            frame.pointee.pong = pong
        case .goAway(let goAway):
            set(frame, 0, MARTLET__V1__FRAME__KIND_GO_AWAY)
            frame.pointee.go_away = goAway.build(in: arena)
        }
        return use(frame)
    }

    private func set(
        _ frame: UnsafeMutablePointer<Martlet__V1__Frame>, _ call: CallID, _ kind: Martlet__V1__Frame__KindCase
    ) {
        frame.pointee.call_id = call
        frame.pointee.kind_case = kind
    }
}

extension Frame.Hello {
    fileprivate func build(in arena: Arena) -> UnsafeMutablePointer<Martlet__V1__Hello> {
        let hello = arena.make(martlet__v1__hello__init)
        hello.pointee.protocol = protocolVersion
        hello.pointee.message_bytes_max = messageBytesMax
        hello.pointee.initial_credit_bytes = initialCreditBytes
        hello.pointee.calls_max = callsMax
        hello.pointee.accepts_compression = acceptsCompression ? 1 : 0
        hello.pointee.software = arena.copy(software)
        return hello
    }
}

extension Frame.Open {
    fileprivate func build(in arena: Arena) -> UnsafeMutablePointer<Martlet__V1__Open> {
        let open = arena.make(martlet__v1__open__init)
        open.pointee.method = arena.copy(method)
        open.pointee.deadline_us = deadlineMicroseconds
        open.pointee.token = arena.copy(token)
        open.pointee.n_metadata = metadata.count
        open.pointee.metadata = arena.list(metadata) { entry in
            let result = arena.make(martlet__v1__metadata__init)
            result.pointee.key = arena.copy(entry.key)
            result.pointee.value = arena.copy(entry.value)
            return result
        }
        return open
    }
}

extension CallStatus {
    fileprivate func build(in arena: Arena) -> UnsafeMutablePointer<Martlet__V1__Status> {
        let status = arena.make(martlet__v1__status__init)
        status.pointee.code = code
        status.pointee.message = arena.copy(message)
        status.pointee.details = arena.copy(details)
        status.pointee.retry_after_ms = retryAfterMilliseconds
        return status
    }
}

extension Frame.GoAway {
    fileprivate func build(in arena: Arena) -> UnsafeMutablePointer<Martlet__V1__GoAway> {
        let goAway = arena.make(martlet__v1__go_away__init)
        goAway.pointee.last_call_id = lastCallID
        goAway.pointee.code = code
        goAway.pointee.reason = arena.copy(reason)
        return goAway
    }
}
