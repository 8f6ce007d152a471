import MartletClient
import MartletCore
import MartletWire
import NIOHPACK
import Testing

import MartletTransport

@Suite("A connection of HTTP/2, good and bad", .timeLimit(.minutes(5)))
struct HTTP2ConnectionTests {
    @Test("refuses what breaks HTTP/2 with a GOAWAY, and other connections go on")
    func brokenConnections() async throws {
        let long = String(repeating: "x", count: 20_000)
        let cases: [(name: String, bytes: [UInt8])] = [
            ("DATA on stream 0", HTTP2Peer.data(0, [1]).bytes),
            ("DATA on a stream never opened", HTTP2Peer.data(5, [1]).bytes),
            (
                "header block that is no HPACK",
                HTTP2Peer.Frame(kind: .headers, flags: 4, stream: 1, payload: [0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF])
                    .bytes
            ),
            ("header list too large", HTTP2Peer.requestHeaders(1, ("a", long)).bytes),
            ("frame too large", [0xFF, 0xFF, 0xFF, 0, 0, 0, 0, 0, 1] + [UInt8](repeating: 0, count: 100)),
            ("a second preface", HTTP2Peer.preface),
            ("stream numbers that fall", HTTP2Peer.call(5) + HTTP2Peer.call(3)),
        ]
        try await TestServer.with { test in
            let good = try await HTTP2Peer.greeted(port: test.port)
            var stream: UInt32 = 1
            for row in cases {
                let peer = try await HTTP2Peer.greeted(port: test.port)
                try await peer.send(row.bytes)
                let code = try await peer.goAwayCode()
                #expect((code ?? 0) != 0, "\(row.name)")
                try await good.send(HTTP2Peer.call(stream))
                #expect(try await good.answer(of: stream).status == 0, "\(row.name)")
                stream += 2
            }
            #expect(test.notices.all.contains { $0.contains("broke the protocol") })
        }
    }

    @Test("closes a connection that sends no SETTINGS after its preface within the handshake's time")
    func noSettings() async throws {
        var limits = Limits()
        limits.handshakeTimeout = .milliseconds(50)
        try await TestServer.with(limits: limits) { test in
            let peer = try HTTP2Peer(port: test.port)
            try await peer.send(HTTP2Peer.preface)
            while try await peer.frame() != nil {}
            #expect(test.notices.all.contains { $0.contains("SETTINGS") })
        }
    }

    @Test("outlives a client that resets 2000 calls, and ends one that resets more than the limit")
    func resetFlood() async throws {
        try await GRPCServerTests.withPeer { peer, test in
            for round in 0..<20 {
                var bytes: [UInt8] = []
                for index in 0..<100 {
                    let stream = UInt32(2 * (round * 100 + index) + 1)
                    bytes += HTTP2Peer.call(stream) + HTTP2Peer.reset(stream).bytes
                }
                try await peer.send(bytes)
            }
            try await peer.send(HTTP2Peer.call(9_001))
            let status = try await peer.answer(of: 9_001).status
            #expect(status == 0 || status == Int(MartletError.Code.resourceExhausted.value))
        }
        var limits = Limits()
        limits.http2ResetsMax = 50
        try await GRPCServerTests.withPeer(limits: limits) { peer, test in
            var bytes: [UInt8] = []
            for index in 0..<60 {
                let stream = UInt32(2 * index + 1)
                bytes += HTTP2Peer.call(stream) + HTTP2Peer.reset(stream).bytes
            }
            try await peer.send(bytes)
            #expect(try await peer.goAwayCode() == 11)
        }
    }

    @Test("ends a connection that floods it with PING")
    func pingFlood() async throws {
        var limits = Limits()
        limits.http2ControlFramesMax = 100
        try await GRPCServerTests.withPeer(limits: limits) { peer, _ in
            let ping = HTTP2Peer.Frame(kind: .ping, payload: [UInt8](repeating: 1, count: 8)).bytes
            _ = try await peer.peer.trySend((0..<200).flatMap { _ in ping })
            #expect(try await peer.goAwayCode() == 11)
        }
    }

    @Test("a drain tells the client twice, lets the call in flight end, and closes")
    func drains() async throws {
        let handler = FakeHandler()
        let server = MartletServer(handler: handler, limits: Limits(), software: "martlet/test")
        guard case .tcp(_, let port) = try await server.listen(on: .tcp(host: "127.0.0.1", port: 0)) else { return }
        let peer = try await HTTP2Peer.greeted(port: port)
        try await peer.send(HTTP2Peer.call(1, "hold"))
        await handler.until { $0.running == 1 }
        async let cut = server.drain(within: .seconds(10))
        var lastStreams: [UInt8] = []
        while let frame = try await peer.frame() {
            if frame.kind == .goAway {
                lastStreams.append(frame.payload[3])
                if lastStreams.count == 2 { break }
            }
            if frame.kind == .ping, frame.flags == 0 {
                try await peer.send(HTTP2Peer.Frame(kind: .ping, flags: 1, payload: frame.payload))
            }
        }
        #expect(lastStreams == [0xFF, 1])
        handler.release()
        #expect(try await peer.answer(of: 1).status == 0)
        #expect(try await peer.frame() == nil)
        #expect(await cut == 0)
    }

    @Test("ends calls that a drain cannot wait for with UNAVAILABLE")
    func cuts() async throws {
        let handler = FakeHandler()
        let server = MartletServer(handler: handler, limits: Limits(), software: "martlet/test")
        guard case .tcp(_, let port) = try await server.listen(on: .tcp(host: "127.0.0.1", port: 0)) else { return }
        let peer = try await HTTP2Peer.greeted(port: port)
        try await peer.send(HTTP2Peer.call(1, "hold"))
        await handler.until { $0.running == 1 }
        async let cut = server.drain(within: .milliseconds(20))
        #expect(try await peer.answer(of: 1).status == Int(MartletError.Code.unavailable.value))
        #expect(await cut == 1)
        #expect(server.openConnections == 0 && server.runningTasks == 0)
    }

    @Test("keeps a good connection working while 300 others send cut, flipped and random bytes")
    func mutated() async throws {
        // Every peer ends its side, so no other time limit is needed; a short one would end the good connection too
        // where the machine is busy.
        var limits = Limits()
        limits.lingerTimeout = .milliseconds(100)
        let seed: UInt64 = 20_261_128
        try await TestServer.with(limits: limits) { test in
            let golden =
                HTTP2Peer.preface + HTTP2Peer.Frame(kind: .settings).bytes + HTTP2Peer.call(1)
                + HTTP2Peer.requestHeaders(3, ("grpc-timeout", "1S"), ("a-bin", "AQI")).bytes
                + HTTP2Peer.data(3, HTTP2Peer.classify("hold"), end: true).bytes + HTTP2Peer.reset(3).bytes
                + HTTP2Peer.call(5)
            var random = SeededBytes(seed: seed)
            for round in 0..<300 {
                let peer = try RawPeer(port: test.port)
                _ = try await peer.trySend(random.mutated(golden, keeping: 24, round: round))
                if round % 3 == 0 { peer.resetOnClose() } else { peer.endSending() }
                if round % 30 == 0 {
                    let good = try await HTTP2Peer.greeted(port: test.port)
                    try await good.send(HTTP2Peer.call(1))
                    #expect(try await good.answer(of: 1).status == 0, "seed \(seed)")
                }
            }
            await test.server.untilUnused()
            #expect(test.handler.progress.running == 0)
        }
    }
}
