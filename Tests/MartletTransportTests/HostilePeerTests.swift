import Foundation
import MartletClient
import MartletCore
import MartletTransport
import MartletWire
import Testing

@Suite("A server among peers that break the rules", .timeLimit(.minutes(5)))
struct HostilePeerTests {
    static func withPeer(
        limits: Limits = Limits(), credit: UInt64 = 256 << 10,
        _ body: @Sendable (RawPeer, TestServer) async throws -> Void
    ) async throws {
        try await TestServer.with(limits: limits) { test in
            let good = try await MartletClient.connect(to: test.unix)
            do {
                let peer = try await RawPeer.greeted(port: test.port, initialCreditBytes: credit)
                try await body(peer, test)
            }
            #expect(try await good.classify(request("echo", "still here")) == FakeHandler.answer("still here"))
        }
    }

    @Test(
        "refuses other first bytes with a GoAway that a Martlet client can read, and says so in the log",
        arguments: [
            ("\0\0\0\0", "no known"), ("martlet1", "no known"), ("\u{80}", "no known"),
        ])
    func wrongPreface(first: String, guess: String) async throws {
        try await TestServer.with { test in
            let peer = try RawPeer(port: test.port)
            try await peer.send(Array(first.utf8))
            try await peer.expectPreface()
            #expect(try await peer.goAwayCode() == .invalidArgument)
            #expect(test.notices.all.contains { $0.contains(guess) })
        }
    }

    @Test("closes a peer that says nothing, or only half a greeting, within the handshake's time")
    func handshakeTimeout() async throws {
        var limits = Limits()
        limits.handshakeTimeout = .milliseconds(50)
        try await TestServer.with(limits: limits) { test in
            for beginning in [[], Array("MART".utf8), Preface.bytes, Preface.bytes + [0, 0]] {
                let peer = try RawPeer(port: test.port)
                try await peer.send(beginning)
                try await peer.expectPreface()
                #expect(try await peer.goAwayCode() == .deadlineExceeded)
            }
        }
    }

    @Test("closes a peer that dribbles a frame longer than the frame's time")
    func frameTimeout() async throws {
        var limits = Limits()
        limits.frameTimeout = .milliseconds(50)
        try await Self.withPeer(limits: limits) { peer, _ in
            try await peer.send([0, 0, 0])
            #expect(try await peer.goAwayCode() == .deadlineExceeded)
        }
    }

    @Test("closes a connection without calls after the idle time, telling it without an error code")
    func idleTimeout() async throws {
        var limits = Limits()
        limits.idleTimeout = .milliseconds(50)
        try await TestServer.with(limits: limits) { test in
            let peer = try await RawPeer.greeted(port: test.port)
            #expect(try await peer.goAwayCode()?.value == 0)
        }
    }

    @Test("refuses a prefix over the frame limit before reading the frame")
    func oversizeFrame() async throws {
        try await Self.withPeer { peer, _ in
            try await peer.send([0, 0x7F, 0xFF, 0xFF, 0xFF])
            #expect(try await peer.goAwayCode() == .resourceExhausted)
        }
    }

    @Test("ends a call whose message is over the limit, and the connection goes on")
    func messageOverLimit() async throws {
        var limits = Limits()
        limits.messageBytesMax = 8_192
        try await Self.withPeer(limits: limits) { peer, _ in
            try await peer.send(
                .open(1, Frame.Open(method: MartletWire.Method.classify.path)),
                .message(1, [UInt8](repeating: 0, count: 8_193)), .halfClose(1))
            let status = try await peer.status(of: 1)
            #expect(status?.code == MartletError.Code.resourceExhausted.value)
            #expect(status?.message.contains("8193") == true && status?.message.contains("8192") == true)
            try await peer.send(RawPeer.bytes(classifyFrames(2)))
            #expect(try await peer.status(of: 2)?.code == 0)
        }
    }

    @Test("answers an unknown method with UNIMPLEMENTED and a message that is no request with INVALID_ARGUMENT")
    func unknownMethod() async throws {
        try await Self.withPeer { peer, _ in
            try await peer.send(
                .open(1, Frame.Open(method: "/martlet.v1.Nothing/Here")), .message(1, [1]), .halfClose(1))
            #expect(try await peer.status(of: 1)?.code == MartletError.Code.unimplemented.value)
            try await peer.send(
                .open(2, Frame.Open(method: MartletWire.Method.classify.path)), .message(2, [0xFF, 0xFF]),
                .halfClose(2))
            #expect(try await peer.status(of: 2)?.code == MartletError.Code.invalidArgument.value)
            try await peer.send(RawPeer.bytes(classifyFrames(3)))
            #expect(try await peer.status(of: 3)?.code == 0)
        }
    }

    @Test("refuses calls over the limit, which also counts cancelled calls whose work has not stopped")
    func tooManyCalls() async throws {
        var limits = Limits()
        limits.callsPerConnectionMax = 2
        try await Self.withPeer(limits: limits) { peer, test in
            for id in 1...3 { try await peer.send(RawPeer.bytes(classifyFrames(CallID(id), "hold"))) }
            let refused = try await peer.status(of: 3)
            #expect(refused?.code == MartletError.Code.resourceExhausted.value)
            #expect((refused?.retryAfterMilliseconds ?? 0) > 0)
            test.handler.release()
            var ended: Set<CallID> = []
            while ended.count < 2, let frame = try await peer.frame() {
                if case .status(let id, let status) = frame, status.code == 0 { ended.insert(id) }
            }
            try await peer.send(RawPeer.bytes(classifyFrames(4)))
            #expect(try await peer.status(of: 4)?.code == 0)
        }
    }

    @Test("answers a Cancel with CANCELLED and stops the handler")
    func cancel() async throws {
        try await Self.withPeer { peer, test in
            try await peer.send(RawPeer.bytes(classifyFrames(1, "hold")))
            await test.handler.until { $0.running == 1 }
            try await peer.send(.cancel(1))
            #expect(try await peer.status(of: 1)?.code == MartletError.Code.cancelled.value)
            await test.handler.until { $0.cancelled == 1 && $0.running == 0 }
        }
    }

    @Test("ends a call at its deadline at once, although its handler goes on")
    func deadline() async throws {
        try await Self.withPeer { peer, test in
            try await peer.send(RawPeer.bytes(classifyFrames(1, "hold", deadline: 20_000)))
            #expect(try await peer.status(of: 1)?.code == MartletError.Code.deadlineExceeded.value)
            await test.handler.until { $0.cancelled == 1 }
        }
    }

    @Test("ends a call that sends without credit")
    func noCredit() async throws {
        var limits = Limits()
        limits.callCreditBytes = 4_096
        try await Self.withPeer(limits: limits) { peer, _ in
            let codec = MessageCodec(arenaBytesMax: 1 << 20)
            let options = DocumentOptions(model: ModelReference(name: "hold"))
            let chunk = codec.encode(DocumentChunk(data: [UInt8](repeating: 0x61, count: 4_096)))
            try await peer.send(
                .open(1, Frame.Open(method: MartletWire.Method.classifyDocument.path)),
                .message(1, codec.encode(DocumentChunk(options: options, data: []))), .message(1, chunk),
                .message(1, chunk))
            let status = try await peer.status(of: 1)
            #expect(status?.code == MartletError.Code.resourceExhausted.value)
            #expect(status?.message.contains("credit") == true)
        }
    }

    @Test("holds an answer back until the peer grants credit")
    func answerWaitsForCredit() async throws {
        try await Self.withPeer(credit: 0) { peer, test in
            try await peer.send(RawPeer.bytes(classifyFrames(1)))
            await test.handler.until { $0.started == 1 && $0.running == 0 }
            try await peer.send(.ping(5))
            #expect(try await peer.frame() == .pong(5))
            try await peer.send(.credit(1, bytes: 1))
            guard case .message(1, _) = try await peer.frame() else {
                Issue.record("the answer did not come")
                return
            }
            #expect(try await peer.status(of: 1)?.code == 0)
        }
    }

    @Test("closes a peer that asks and asks but never reads")
    func neverReads() async throws {
        var limits = Limits()
        limits.outboundBytesMax = 128 << 10
        try await Self.withPeer(limits: limits) { peer, test in
            let pings = RawPeer.bytes([Frame](repeating: .ping(1), count: 5_000))
            while try await peer.trySend(pings) {}
            #expect(test.notices.all.contains { $0.contains("does not read") })
        }
    }

    @Test("keeps a good connection working while 400 others send cut, flipped and random bytes")
    func mutatedConversations() async throws {
        var limits = Limits()
        limits.handshakeTimeout = .milliseconds(200)
        limits.frameTimeout = .milliseconds(200)
        limits.lingerTimeout = .milliseconds(100)
        let seed: UInt64 = 20_261_125
        try await TestServer.with(limits: limits) { test in
            let good = try await MartletClient.connect(to: test.tcp)
            let codec = MessageCodec(arenaBytesMax: 1 << 20)
            let options = DocumentOptions(model: ModelReference(name: "echo"))
            let conversation: [Frame] = [
                RawPeer.hello(), .ping(1), .open(4, Frame.Open(method: MartletWire.Method.classifyDocument.path)),
                .message(4, codec.encode(DocumentChunk(options: options, data: [0x61]))), .halfClose(4),
            ]
            let golden = Preface.bytes + RawPeer.bytes(conversation) + RawPeer.bytes(classifyFrames(9))
            var random = SeededBytes(seed: seed)
            for round in 0..<400 {
                let peer = try RawPeer(port: test.port)
                _ = try await peer.trySend(random.mutated(golden, keeping: 8, round: round))
                if round % 3 == 0 {
                    peer.resetOnClose()
                } else {
                    peer.endSending()
                }
                if round % 20 == 0 {
                    #expect(
                        try await good.classify(request("echo", "\(round)")) == FakeHandler.answer("\(round)"),
                        "seed \(seed)")
                }
            }
            await good.close()
            await test.server.untilUnused()
            #expect(test.handler.progress.running == 0)
        }
    }

    @Test("1000 connections that come and go leave no descriptor and no task behind")
    func connectAndGo() async throws {
        try await TestServer.with { test in
            let before = try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").count
            for round in 0..<1_000 {
                let peer = try RawPeer(port: test.port)
                if round % 3 == 1 { _ = try await peer.trySend(Preface.bytes) }
                if round % 3 == 2 {
                    _ = try await peer.trySend(
                        Preface.bytes + RawPeer.bytes([RawPeer.hello()] + classifyFrames(1, "hold")))
                }
                if round % 2 == 0 { peer.resetOnClose() }
            }
            await test.server.untilUnused()
            let after = try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").count
            // Other tests run beside this one and hold some; a leak would be a thousand.
            #expect(after < before + 300)
        }
    }
}
