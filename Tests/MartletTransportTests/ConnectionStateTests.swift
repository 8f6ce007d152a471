import MartletCore
import MartletTransport
import MartletWire
import Testing

/// Events and actions of a `ConnectionState`, written down so that a person can read them.
struct Transcript {
    var state: ConnectionState
    var now: ContinuousClock.Instant
    private(set) var lines: [String] = []

    init(limits: Limits = Limits(), greeted: Bool = true, credit: UInt64 = 1_000) {
        now = .now
        state = ConnectionState(limits: limits, software: "test", accepted: now) { path in
            [MartletWire.Method.classify, .classifyDocument, .listModels, .getModel].first { $0.path == path }
        }
        guard greeted else { return }
        perform { state, actions in state.start(&actions) }
        peer(RawPeer.hello(credit))
        lines = []
    }

    var text: String { lines.joined(separator: "\n") }

    mutating func peer(_ frames: Frame...) {
        for frame in frames {
            lines.append("< \(Self.describe(frame))")
            let now = now
            perform { state, actions in state.receive(frame, now: now, &actions) }
        }
    }

    mutating func finish(_ id: CallID, _ error: MartletError? = nil) {
        lines.append("handler of \(id) ends")
        let now = now
        perform { state, actions in
            state.finish(id, with: error, now: now, &actions)
            state.taskEnded()
        }
    }

    mutating func send(_ bytes: Int, for id: CallID) {
        lines.append("handler of \(id) sends \(bytes)")
        var outcome = ""
        perform { state, actions in
            switch state.send([UInt8](repeating: 0, count: bytes), for: id, &actions) {
            case .sent: break
            case .wait: outcome = "  wait"
            case .ended(let error): outcome = "  ended \(error)"
            }
        }
        if !outcome.isEmpty { lines.append(outcome) }
    }

    mutating func took(_ bytes: Int, for id: CallID) {
        lines.append("handler of \(id) takes \(bytes)")
        perform { state, actions in state.took(messageOf: bytes, for: id, &actions) }
    }

    mutating func writable(_ isWritable: Bool) {
        lines.append(isWritable ? "socket takes more" : "socket is full")
        let now = now
        perform { state, actions in state.writabilityChanged(to: isWritable, now: now, &actions) }
    }

    mutating func pass(_ time: Duration) {
        lines.append("\(time) pass")
        now = now.advanced(by: time)
        let now = now
        guard let due = state.nextAlarm, due <= now else { return }
        perform { state, actions in state.alarm(now: now, &actions) }
    }

    mutating func drain() {
        lines.append("drain")
        perform { state, actions in state.drain(because: "bye", &actions) }
    }

    mutating func perform(_ event: (inout ConnectionState, inout [ConnectionState.Action]) -> Void) {
        var actions: [ConnectionState.Action] = []
        event(&state, &actions)
        for action in actions { lines.append("  " + Self.describe(action)) }
    }

    static func describe(_ action: ConnectionState.Action) -> String {
        switch action {
        case .write(let frame): "> \(describe(frame))"
        case .start(let id, let method, let request, _, _):
            "start \(id) \(method.path.split(separator: "/").last ?? "")" + (request.map { " with \($0.count)" } ?? "")
        case .deliver(let id, let message): "deliver \(id) \(message.count)"
        case .endInput(let id): "end input of \(id)"
        case .resume(let id): "resume \(id)"
        case .stop(let id, let error): "stop \(id) \(error.code)"
        case .close: "close"
        case .abort: "abort"
        case .note: "note"
        }
    }

    static func describe(_ frame: Frame) -> String {
        switch frame {
        case .hello(let hello): "Hello \(hello.protocolVersion)"
        case .open(let id, let open): "Open \(id) \(open.method.split(separator: "/").last ?? "")"
        case .message(let id, let payload): "Message \(id) \(payload.count)"
        case .halfClose(let id): "HalfClose \(id)"
        case .status(let id, let status):
            "Status \(id) \(MartletError.Code(value: status.code))"
                + (status.message.isEmpty ? "" : ": \(status.message)")
        case .cancel(let id): "Cancel \(id)"
        case .credit(let id, let bytes): "Credit \(id) \(bytes)"
        case .ping(let data): "Ping \(data)"
        case .pong(let data): "Pong \(data)"
        case .goAway(let goAway):
            "GoAway \(goAway.lastCallID) \(MartletError.Code(value: goAway.code)): \(goAway.reason)"
        }
    }
}

func open(_ id: CallID, _ method: MartletWire.Method = .classify, deadline: Duration = .zero) -> Frame {
    let microseconds = UInt64(deadline / .microseconds(1))
    return .open(id, Frame.Open(method: method.path, deadlineMicroseconds: microseconds))
}

func message(_ id: CallID, _ bytes: Int) -> Frame { .message(id, [UInt8](repeating: 0, count: bytes)) }

@Suite("The server's connection without I/O")
struct ConnectionStateTests {
    @Test("greets, runs a unary call from its half-close on, and ends it with a status")
    func unary() {
        var talk = Transcript(greeted: false)
        talk.perform { state, actions in state.start(&actions) }
        talk.peer(RawPeer.hello(), open(1), message(1, 40), .halfClose(1))
        talk.send(70, for: 1)
        talk.finish(1)
        talk.peer(.cancel(1), .credit(1, bytes: 5), .halfClose(1))
        #expect(
            talk.text == """
                  > Hello 1
                < Hello 1
                < Open 1 Classify
                < Message 1 40
                < HalfClose 1
                  start 1 Classify with 40
                handler of 1 sends 70
                  > Message 1 70
                handler of 1 ends
                  > Status 1 OK
                < Cancel 1
                < Credit 1 5
                < HalfClose 1
                """)
        #expect(talk.state.openCalls == 0)
    }

    @Test("keeps two accounts a call, as in the example of PROTOCOL.md section 5")
    func credit() {
        var limits = Limits()
        limits.callCreditBytes = 400
        var talk = Transcript(limits: limits, credit: 100)
        talk.peer(open(1, .classifyDocument), message(1, 10), message(1, 90))
        talk.send(80, for: 1)
        talk.send(90, for: 1)
        talk.send(10, for: 1)
        talk.peer(.credit(1, bytes: 70), .credit(1, bytes: 100))
        talk.send(10, for: 1)
        talk.took(10, for: 1)
        talk.took(90, for: 1)
        talk.peer(.halfClose(1))
        talk.took(90, for: 1)
        #expect(
            talk.text == """
                < Open 1 ClassifyDocument
                  start 1 ClassifyDocument
                < Message 1 10
                  deliver 1 10
                < Message 1 90
                  deliver 1 90
                handler of 1 sends 80
                  > Message 1 80
                handler of 1 sends 90
                  > Message 1 90
                handler of 1 sends 10
                  wait
                < Credit 1 70
                < Credit 1 100
                  resume 1
                handler of 1 sends 10
                  > Message 1 10
                handler of 1 takes 10
                handler of 1 takes 90
                  > Credit 1 154
                < HalfClose 1
                  end input of 1
                handler of 1 takes 90
                """)
    }

    @Test("refuses an answer that could only end the connection, and the connection goes on")
    func hugeAnswer() {
        var limits = Limits()
        limits.messageBytesMax = 4_096
        limits.outboundPauseBytes = 1_000
        limits.outboundBytesMax = 6_000
        var talk = Transcript(limits: limits, credit: 100_000)
        talk.peer(open(1, .classifyDocument))
        talk.send(5_000, for: 1)
        talk.send(5_001, for: 1)
        #expect(talk.lines.contains("  > Message 1 5000") && talk.lines.last?.contains("RESOURCE_EXHAUSTED") == true)
    }

    @Test("pauses every sender while the socket is full, and only those without credit afterwards")
    func socketFull() {
        var talk = Transcript(credit: 100)
        talk.peer(open(1, .classifyDocument), open(2, .classifyDocument))
        talk.send(200, for: 1)
        talk.writable(false)
        talk.send(10, for: 1)
        talk.send(10, for: 2)
        talk.writable(true)
        #expect(
            talk.text == """
                < Open 1 ClassifyDocument
                  start 1 ClassifyDocument
                < Open 2 ClassifyDocument
                  start 2 ClassifyDocument
                handler of 1 sends 200
                  > Message 1 200
                socket is full
                handler of 1 sends 10
                  wait
                handler of 2 sends 10
                  wait
                socket takes more
                  resume 2
                """)
    }

    @Test("closes a peer that does not read for the frame's time")
    func stalled() {
        var talk = Transcript()
        talk.peer(open(1, .classifyDocument))
        talk.writable(false)
        talk.pass(.seconds(60))
        #expect(
            talk.text == """
                < Open 1 ClassifyDocument
                  start 1 ClassifyDocument
                socket is full
                60.0 seconds pass
                  note
                  stop 1 CANCELLED
                  abort
                """)
    }

    @Test("ends each call at its own deadline, started or not, and counts work that has not stopped")
    func deadlines() {
        var limits = Limits()
        limits.callsPerConnectionMax = 2
        var talk = Transcript(limits: limits)
        talk.peer(open(1, deadline: .seconds(2)), open(2, deadline: .seconds(1)), message(2, 1), .halfClose(2))
        talk.pass(.milliseconds(1_500))
        talk.peer(open(3))
        talk.pass(.milliseconds(500))
        talk.peer(open(4))
        talk.finish(2, MartletError(.cancelled, "stopped"))
        #expect(talk.state.nextAlarm.map { $0 > talk.now.advanced(by: .seconds(60)) } ?? true)
        #expect(
            talk.text == """
                < Open 1 Classify
                < Open 2 Classify
                < Message 2 1
                < HalfClose 2
                  start 2 Classify with 1
                1.5 seconds pass
                  stop 2 DEADLINE_EXCEEDED
                  > Status 2 DEADLINE_EXCEEDED: the call's deadline passed before it was done
                < Open 3 Classify
                  > Status 3 RESOURCE_EXHAUSTED: this connection already has 2 calls, the most it may have at once
                0.5 seconds pass
                  > Status 1 DEADLINE_EXCEEDED: the call's deadline passed before it was done
                < Open 4 Classify
                handler of 2 ends
                """)
    }

    @Test("drains: calls in flight finish, new ones are refused, the last one closes")
    func drain() {
        var talk = Transcript()
        talk.peer(open(5), message(5, 1), .halfClose(5))
        talk.drain()
        talk.peer(open(7))
        talk.send(3, for: 5)
        talk.finish(5)
        talk.peer(.ping(1))
        #expect(
            talk.text == """
                < Open 5 Classify
                < Message 5 1
                < HalfClose 5
                  start 5 Classify with 1
                drain
                  > GoAway 5 OK: bye
                < Open 7 Classify
                  > Status 7 UNAVAILABLE: the server is shutting down
                handler of 5 sends 3
                  > Message 5 3
                handler of 5 ends
                  > Status 5 OK
                  close
                < Ping 1
                """)
    }

    @Test("ends a call that breaks the rules of half-close, and only that call")
    func halfClose() {
        var talk = Transcript()
        talk.peer(open(1), .halfClose(1))
        talk.peer(open(2), message(2, 1), message(2, 1))
        talk.peer(open(3), message(3, 1), .halfClose(3), .halfClose(3))
        talk.peer(open(4, .classifyDocument), .halfClose(4), message(4, 1))
        talk.peer(.ping(1))
        #expect(
            talk.text == """
                < Open 1 Classify
                < HalfClose 1
                  > Status 1 INVALID_ARGUMENT: HalfClose came without a Message before it
                < Open 2 Classify
                < Message 2 1
                < Message 2 1
                  > Status 2 INVALID_ARGUMENT: this method takes one Message, two came
                < Open 3 Classify
                < Message 3 1
                < HalfClose 3
                  start 3 Classify with 1
                < HalfClose 3
                  stop 3 INVALID_ARGUMENT
                  > Status 3 INVALID_ARGUMENT: HalfClose came twice
                < Open 4 ClassifyDocument
                  start 4 ClassifyDocument
                < HalfClose 4
                  end input of 4
                < Message 4 1
                  stop 4 INVALID_ARGUMENT
                  > Status 4 INVALID_ARGUMENT: a Message came after HalfClose
                < Ping 1
                  > Pong 1
                """)
    }

    @Test(
        "ends the connection, with the code that PROTOCOL.md section 10 names",
        arguments: [
            ([RawPeer.hello()], "INVALID_ARGUMENT: a second Hello came"),
            ([open(3), open(3)], "INVALID_ARGUMENT: Open of call 3 after call 3: numbers must rise"),
            ([open(3), open(2)], "INVALID_ARGUMENT: Open of call 2 after call 3: numbers must rise"),
            ([message(1, 1)], "INVALID_ARGUMENT: Message names call 1, which was never opened"),
            ([.credit(9, bytes: 1)], "INVALID_ARGUMENT: Credit names call 9, which was never opened"),
            ([.status(1, .ok)], "INVALID_ARGUMENT: Status comes from servers only"),
        ])
    func protocolErrors(frames: [Frame], told: String) {
        var talk = Transcript()
        for frame in frames { talk.peer(frame) }
        let end = talk.lines.suffix(3)
        #expect(end.first == "  note" && end.last == "  close")
        #expect(end.dropFirst().first?.hasSuffix(told) == true, "\(talk.text)")
        #expect(talk.state.isClosed && talk.state.openCalls == 0 && talk.state.nextAlarm == nil)
    }

    @Test("speaks to nobody who asks for another protocol, or who does not say Hello first")
    func handshake() {
        for (frame, told) in [
            (RawPeer.hello(version: 2), "UNIMPLEMENTED: Hello asks for protocol 2, this server speaks protocol 1"),
            (open(1), "INVALID_ARGUMENT: the first frame must be Hello"),
        ] {
            var talk = Transcript(greeted: false)
            talk.peer(frame)
            #expect(talk.lines.suffix(2) == ["  > GoAway 0 \(told)", "  close"])
        }
    }

    @Test("tells the peer the message of an error and never its cause")
    func noCause() {
        struct Secret: Error {}
        var talk = Transcript()
        talk.peer(open(1), message(1, 1), .halfClose(1))
        talk.finish(1, MartletError(wrapping: Secret(), while: "answering"))
        #expect(talk.lines.last == "  > Status 1 INTERNAL: the server failed while answering")
    }

    @Test("bounds what waits for handlers on one connection, and makes room as messages are taken and calls end")
    func heldBytes() {
        var limits = Limits()
        limits.messageBytesMax = 10_000
        limits.callCreditBytes = 1_000
        limits.callsPerConnectionMax = 5
        #expect(limits.connectionBytesMax == 25_000)
        var talk = Transcript(limits: limits)
        talk.peer(
            open(1), message(1, 10_000), open(2, .classifyDocument), message(2, 10_000), open(3), message(3, 9_000))
        talk.took(10_000, for: 2)
        talk.peer(open(4), message(4, 9_000), .cancel(4), open(5), message(5, 10_000), .halfClose(5))
        talk.peer(open(6), message(6, 10_000), open(7), message(7, 10_000))
        #expect(
            talk.lines.filter { $0.contains("Status") } == [
                "  > Status 3 RESOURCE_EXHAUSTED: too many large messages wait on this connection; send smaller ones",
                "  > Status 4 CANCELLED: the client cancelled the call",
                "  > Status 7 RESOURCE_EXHAUSTED: too many large messages wait on this connection; send smaller ones",
            ])
    }
}
