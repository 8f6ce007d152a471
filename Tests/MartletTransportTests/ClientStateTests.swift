import MartletClient
import MartletCore
import MartletWire
import Testing

@Suite("The client's connection without I/O")
struct ClientStateTests {
    static func describe(_ action: ClientState.Action) -> String {
        switch action {
        case .write(let frame): "> \(Transcript.describe(frame))"
        case .ready: "ready"
        case .deliver(let id, let message): "deliver \(id) \(message.count)"
        case .resume(let id): "resume \(id)"
        case .end(let id, let error): "end \(id) \(error.map { "\($0.code)" } ?? "OK")"
        case .pong(let data): "pong \(data)"
        case .close(let error): "close \(error.code)"
        }
    }

    struct Talk {
        var state = ClientState(options: ClientOptions())
        var now = ContinuousClock.now
        var lines: [String] = []
        var text: String { lines.joined(separator: "\n") }

        mutating func perform(_ event: (inout ClientState, inout [ClientState.Action]) -> Void) {
            var actions: [ClientState.Action] = []
            event(&state, &actions)
            lines += actions.map { "  " + ClientStateTests.describe($0) }
        }

        mutating func server(_ frames: Frame...) {
            for frame in frames {
                lines.append("< \(Transcript.describe(frame))")
                let now = now
                perform { state, actions in state.receive(frame, now: now, &actions) }
            }
        }

        mutating func call(_ bytes: Int?, timeout: Duration? = nil) {
            lines.append("call")
            let now = now
            perform { state, actions in
                _ = state.call(
                    bytes == nil ? .classifyDocument : .classify,
                    request: bytes.map { [UInt8](repeating: 0, count: $0) },
                    deadline: timeout.map { now.advanced(by: $0) }, now: now, &actions)
            }
        }
    }

    static func hello(calls: UInt32, credit: UInt64 = 1_000) -> Frame {
        .hello(
            Frame.Hello(
                messageBytesMax: 10_000, initialCreditBytes: credit, callsMax: calls, acceptsCompression: false,
                software: "server"))
    }

    @Test("opens as many calls as the server takes; the others wait in line and open as calls end")
    func line() {
        var talk = Talk()
        talk.call(10)
        talk.server(Self.hello(calls: 2))
        talk.call(20)
        talk.call(30)
        talk.call(40)
        let now = talk.now
        talk.perform { state, actions in
            state.cancel(3, with: MartletError(.cancelled, "no"), now: now, &actions)
        }
        talk.server(message(1, 5), .status(1, .ok))
        #expect(
            talk.text == """
                call
                < Hello 1
                  ready
                  > Open 1 Classify
                  > Message 1 10
                  > HalfClose 1
                call
                  > Open 2 Classify
                  > Message 2 20
                  > HalfClose 2
                call
                call
                  end 3 CANCELLED
                < Message 1 5
                  deliver 1 5
                < Status 1 OK
                  end 1 OK
                  > Open 4 Classify
                  > Message 4 40
                  > HalfClose 4
                """)
    }

    @Test("a drain lets accepted calls finish and fails the others as retryable")
    func goAway() {
        var talk = Talk()
        talk.server(Self.hello(calls: 10))
        talk.call(1)
        talk.call(1)
        talk.lines = []
        talk.server(.goAway(Frame.GoAway(lastCallID: 1, code: 0, reason: "bye")))
        talk.call(1)
        talk.server(message(1, 5), .status(1, .ok))
        #expect(
            talk.text == """
                < GoAway 1 OK: bye
                  end 2 UNAVAILABLE
                call
                  end 3 UNAVAILABLE
                < Message 1 5
                  deliver 1 5
                < Status 1 OK
                  end 1 OK
                  close UNAVAILABLE
                """)
    }

    @Test("a protocol error that the server reports fails the calls as UNAVAILABLE and the connection with its code")
    func goAwayWithCode() {
        var talk = Talk()
        talk.server(Self.hello(calls: 10))
        talk.call(1)
        talk.lines = []
        talk.server(.goAway(Frame.GoAway(lastCallID: 1, code: 3, reason: "bad")))
        #expect(
            talk.text == """
                < GoAway 1 INVALID_ARGUMENT: bad
                  end 1 UNAVAILABLE
                  close INVALID_ARGUMENT
                """)
    }

    @Test("a deadline passes in line and in flight; the server hears of calls in flight")
    func deadlines() {
        var talk = Talk()
        talk.server(Self.hello(calls: 1))
        talk.call(1, timeout: .seconds(1))
        talk.call(1, timeout: .seconds(1))
        talk.lines = []
        let later = talk.now.advanced(by: .seconds(1))
        talk.perform { state, actions in state.alarm(now: later, &actions) }
        #expect(
            talk.text == """
                  > Cancel 1
                  end 1 DEADLINE_EXCEEDED
                  end 2 DEADLINE_EXCEEDED
                """)
        #expect(talk.state.nextAlarm == nil)
    }

    @Test("a request waits for credit, and a server that sends without credit is cancelled")
    func credit() {
        var talk = Talk()
        talk.server(Self.hello(calls: 10, credit: 0))
        talk.call(50)
        talk.server(.credit(1, bytes: 1), message(1, 300_000), message(1, 1))
        #expect(
            talk.lines.dropFirst(2) == [
                "call", "  > Open 1 Classify", "< Credit 1 1", "  > Message 1 50", "  > HalfClose 1",
                "< Message 1 300000", "  deliver 1 300000", "< Message 1 1", "  > Cancel 1", "  end 1 INTERNAL",
            ])
    }

    @Test("frames that only clients send end the connection")
    func wrongWay() {
        for frame in [open(1), .halfClose(1), .cancel(1), Self.hello(calls: 1), .status(7, .ok)] {
            var talk = Talk()
            talk.server(Self.hello(calls: 1), frame)
            #expect(talk.lines.last == "  close INTERNAL")
        }
    }
}
