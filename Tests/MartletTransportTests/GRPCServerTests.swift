import MartletClient
import MartletCore
import MartletWire
import NIOHPACK
import Testing

import MartletTransport

@Suite("A server among HTTP/2 peers", .timeLimit(.minutes(5)))
struct GRPCServerTests {
    static func withPeer(
        limits: Limits = Limits(), window: UInt32 = 1 << 20,
        _ body: @Sendable (HTTP2Peer, TestServer) async throws -> Void
    ) async throws {
        try await TestServer.with(limits: limits) { test in
            let peer = try await HTTP2Peer.greeted(port: test.port, window: window)
            try await body(peer, test)
        }
    }

    private static func label(of answer: HTTP2Peer.Answer) throws -> String? {
        let message = try #require(answer.messages.first)
        return try MessageCodec(arenaBytesMax: 1 << 20).decodeClassifyAnswer(message).results.first?.scores.first?.label
    }

    @Test("answers a call with headers, one message and trailers")
    func unary() async throws {
        try await Self.withPeer { peer, test in
            try await peer.send(HTTP2Peer.call(1, "echo", "first"))
            let answer = try await peer.answer(of: 1)
            #expect(answer.headers.first(name: ":status") == "200")
            #expect(answer.headers.first(name: "content-type") == "application/grpc")
            #expect(answer.status == 0 && answer.reset == nil)
            #expect(try Self.label(of: answer) == "first")
        }
    }

    @Test("reads a message in pieces of one byte, with empty DATA frames between")
    func split() async throws {
        var limits = Limits()
        limits.http2ControlFramesMax = 10_000
        try await Self.withPeer(limits: limits) { peer, _ in
            try await peer.send(HTTP2Peer.requestHeaders(1))
            for byte in HTTP2Peer.classify("echo", "pieces") { try await peer.send(HTTP2Peer.data(1, [byte])) }
            try await peer.send(HTTP2Peer.data(1, [], end: true))
            #expect(try Self.label(of: try await peer.answer(of: 1)) == "pieces")
        }
    }

    @Test("gives the exact status for each kind of bad request, and the connection goes on")
    func badRequests() async throws {
        var limits = Limits()
        limits.messageBytesMax = 8_192
        limits.textBytesMax = 4_096
        let whole = HTTP2Peer.classify()
        let cases: [(name: String, path: String, headers: [(String, String)], data: [UInt8], code: MartletError.Code)] =
            [
                ("unknown method", "/martlet.v1.Nothing/Here", [], whole, .unimplemented),
                (
                    "unknown encoding", MartletWire.Method.classify.path, [("grpc-encoding", "br")], whole,
                    .unimplemented
                ),
                ("bad timeout", MartletWire.Method.classify.path, [("grpc-timeout", "1x")], whole, .invalidArgument),
                ("bad binary metadata", MartletWire.Method.classify.path, [("a-bin", "?")], whole, .invalidArgument),
                ("no message", MartletWire.Method.classify.path, [], [], .unimplemented),
                ("two messages", MartletWire.Method.classify.path, [], whole + whole, .unimplemented),
                ("length that says more", MartletWire.Method.classify.path, [], [0, 0, 0, 1, 0, 1, 2], .internalError),
                (
                    "length over the limit", MartletWire.Method.classify.path, [], [0, 0, 0, 0x20, 1],
                    .resourceExhausted
                ),
                ("flag without encoding", MartletWire.Method.classify.path, [], [1, 0, 0, 0, 1, 7], .internalError),
                ("no protobuf", MartletWire.Method.classify.path, [], [0, 0, 0, 0, 2, 0xFF, 0xFF], .invalidArgument),
                (
                    "deadline passed", MartletWire.Method.classify.path, [("grpc-timeout", "0n")], whole,
                    .deadlineExceeded
                ),
            ]
        try await Self.withPeer(limits: limits) { peer, _ in
            var stream: UInt32 = 1
            for row in cases {
                let list =
                    [
                        (":method", "POST"), (":scheme", "http"), (":path", row.path),
                        ("content-type", "application/grpc"),
                    ]
                    + row.headers
                try await peer.send(HTTP2Peer.headers(stream, list), HTTP2Peer.data(stream, row.data, end: true))
                let answer = try await peer.answer(of: stream)
                #expect(answer.status == Int(row.code.value), "\(row.name): \(answer.trailers)")
                #expect(answer.messages.isEmpty)
                #expect(answer.trailers.contains(name: "grpc-status-details-bin"), "\(row.name)")
                stream += 2
            }
            try await peer.send(HTTP2Peer.call(stream))
            #expect(try await peer.answer(of: stream).status == 0)
        }
    }

    @Test("says which encodings it knows when it refuses one")
    func acceptList() async throws {
        try await Self.withPeer { peer, _ in
            try await peer.send(
                HTTP2Peer.requestHeaders(1, ("grpc-encoding", "zstd")),
                HTTP2Peer.data(1, HTTP2Peer.classify(), end: true))
            #expect(
                try await peer.answer(of: 1).trailers.first(name: "grpc-accept-encoding") == "identity,deflate,gzip")
        }
    }

    @Test("tells a call that failed for now when to come back")
    func pushback() async throws {
        var limits = Limits()
        limits.callsPerConnectionMax = 1
        try await Self.withPeer(limits: limits) { peer, test in
            try await peer.send(HTTP2Peer.call(1, "stubborn"))
            await test.handler.until { $0.running == 1 }
            // Cancelled by the client; its handler still runs when the next call comes.
            try await peer.send(HTTP2Peer.reset(1).bytes + HTTP2Peer.call(3))
            let answer = try await peer.answer(of: 3)
            #expect(answer.status == Int(MartletError.Code.resourceExhausted.value))
            #expect(answer.trailers.first(name: "grpc-retry-pushback-ms") == "50")
        }
    }

    /// A Classify call as JSON.
    private static func jsonCall(_ stream: UInt32, _ model: String) -> [UInt8] {
        let list = [
            (":method", "POST"), (":scheme", "http"), (":path", "/martlet/v1/classify"), (":authority", "test"),
            ("content-type", "application/json"),
        ]
        let body = Array(#"{"model":{"name":"\#(model)"},"inputs":[{"text":"a"}]}"#.utf8)
        return HTTP2Peer.headers(stream, list).bytes + HTTP2Peer.data(stream, body, end: true).bytes
    }

    @Test("counts requests for routes among the calls of their connection until their work has stopped")
    func routesCount() async throws {
        var limits = Limits()
        limits.callsPerConnectionMax = 2
        try await Self.withPeer(limits: limits) { peer, test in
            try await peer.send(Self.jsonCall(1, "stubborn") + Self.jsonCall(3, "stubborn"))
            await test.handler.until { $0.running == 2 }
            let resets = HTTP2Peer.reset(1).bytes + HTTP2Peer.reset(3).bytes
            try await peer.send(resets + HTTP2Peer.call(5))
            #expect(try await peer.answer(of: 5).status == Int(MartletError.Code.resourceExhausted.value))
            #expect(test.server.runningTasks == 2)
            test.handler.release()
            while test.server.runningTasks > 0 { await Task.yield() }
            try await peer.send(HTTP2Peer.call(7))
            #expect(try await peer.answer(of: 7).status == 0)
        }
    }

    @Test("ends requests for routes with their connection")
    func routesEnd() async throws {
        try await Self.withPeer { peer, test in
            try await peer.send(Self.jsonCall(1, "hold") + Self.jsonCall(3, "hold"))
            await test.handler.until { $0.running == 2 }
            #expect(test.server.runningTasks == 2)
            #expect(await test.server.drain(within: .zero) == 2)
            await test.handler.until { $0.running == 0 }
        }
    }

    @Test("ends a message over the limit before the client half-closes, with the status first and then NO_ERROR")
    func earlyEnd() async throws {
        try await Self.withPeer { peer, _ in
            try await peer.send(HTTP2Peer.requestHeaders(1), HTTP2Peer.data(1, [0, 0x7F, 0xFF, 0xFF, 0xFF]))
            let answer = try await peer.answer(of: 1)
            #expect(answer.status == Int(MartletError.Code.resourceExhausted.value))
            #expect(answer.headers.first(name: ":status") == "200")
            while let frame = try await peer.frame() {
                if frame.kind == .reset {
                    #expect(frame == HTTP2Peer.reset(1, code: 0))
                    break
                }
            }
            try await peer.send(HTTP2Peer.call(3))
            #expect(try await peer.answer(of: 3).status == 0)
        }
    }

    @Test("stops the handler when the client resets its stream, and at the deadline", arguments: [true, false])
    func cancels(resets: Bool) async throws {
        try await Self.withPeer { peer, test in
            if resets {
                try await peer.send(HTTP2Peer.call(1, "hold"))
                await test.handler.until { $0.running == 1 }
                try await peer.send(HTTP2Peer.reset(1))
            } else {
                try await peer.send(
                    HTTP2Peer.requestHeaders(1, ("grpc-timeout", "20m")),
                    HTTP2Peer.data(1, HTTP2Peer.classify("hold"), end: true))
                #expect(try await peer.answer(of: 1).status == Int(MartletError.Code.deadlineExceeded.value))
            }
            await test.handler.until { $0.cancelled == 1 && $0.running == 0 }
            try await peer.send(HTTP2Peer.call(3))
            #expect(try await peer.answer(of: 3).status == 0)
        }
    }

    @Test(
        "streams a document both ways, and ends it when its handler has its verdict early",
        arguments: ["echo", "first"])
    func documents(model: String) async throws {
        let codec = MessageCodec(arenaBytesMax: 1 << 20)
        try await Self.withPeer { peer, _ in
            let options = DocumentOptions(model: ModelReference(name: model))
            let path = MartletWire.Method.classifyDocument.path
            try await peer.send(HTTP2Peer.requestHeaders(1, path: path))
            for index in 0..<3 {
                let chunk = DocumentChunk(
                    options: index == 0 ? options : nil, data: [UInt8](repeating: 0x61, count: 10))
                try await peer.send(HTTP2Peer.data(1, MessageDeframerTests.framed(codec.encode(chunk))))
                if model == "first" { break }
            }
            if model == "echo" { try await peer.send(HTTP2Peer.data(1, [], end: true)) }
            let answer = try await peer.answer(of: 1)
            #expect(answer.status == 0)
            #expect(answer.messages.count == (model == "echo" ? 4 : 2))
        }
    }

    @Test("stops a producer whose client opens no window, and goes on when it does")
    func closedWindow() async throws {
        let codec = MessageCodec(arenaBytesMax: 1 << 20)
        try await Self.withPeer(window: 0) { peer, test in
            let options = DocumentOptions(model: ModelReference(name: "flood"))
            try await peer.send(HTTP2Peer.requestHeaders(1, path: MartletWire.Method.classifyDocument.path))
            try await peer.send(
                HTTP2Peer.data(1, MessageDeframerTests.framed(codec.encode(DocumentChunk(options: options, data: [])))))
            await test.handler.until { $0.eventsSent > 100 }
            // Another call on the connection is not held up: its answer has no bytes until its window opens, but a
            // status needs none.
            try await peer.send(
                HTTP2Peer.requestHeaders(3, path: "/a.B/C"), HTTP2Peer.data(3, HTTP2Peer.classify(), end: true))
            #expect(try await peer.answer(of: 3).status == Int(MartletError.Code.unimplemented.value))
            let sent = test.handler.progress.eventsSent
            // 64 KiB of events of at most a hundred bytes, and one that was on its way.
            #expect(sent < 64 << 10)
            try await peer.send(HTTP2Peer.windowUpdate(1 << 20, stream: 1))
            await test.handler.until { $0.eventsSent > sent + 100 }
            try await peer.send(HTTP2Peer.reset(1))
            await test.handler.until { $0.running == 0 }
        }
    }

    @Test("takes no more of a request than its window while the handler does not read")
    func slowHandler() async throws {
        var limits = Limits()
        limits.callCreditBytes = 65_536
        let codec = MessageCodec(arenaBytesMax: 1 << 20)
        try await Self.withPeer(limits: limits) { peer, test in
            let options = DocumentOptions(model: ModelReference(name: "hold"))
            try await peer.send(HTTP2Peer.requestHeaders(1, path: MartletWire.Method.classifyDocument.path))
            try await peer.send(
                HTTP2Peer.data(1, MessageDeframerTests.framed(codec.encode(DocumentChunk(options: options, data: [])))))
            await test.handler.until { $0.running == 1 }
            let chunk = MessageDeframerTests.framed(
                codec.encode(DocumentChunk(data: [UInt8](repeating: 0x61, count: 8_000))))
            var window = 65_536 - 200
            var granted = 0
            while window > chunk.count {
                try await peer.send(HTTP2Peer.data(1, chunk))
                window -= chunk.count
            }
            // A ping comes back behind every window update that those frames led to.
            try await peer.send(HTTP2Peer.Frame(kind: .ping, payload: [UInt8](repeating: 1, count: 8)))
            while let frame = try await peer.frame(), frame.kind != .ping || frame.flags != 1 {
                if frame.kind == .windowUpdate, frame.stream == 1 {
                    granted += Int(frame.payload[1]) << 16 | Int(frame.payload[2]) << 8 | Int(frame.payload[3])
                }
            }
            #expect(granted < 65_536)
            test.handler.release()
            try await peer.send(HTTP2Peer.data(1, [], end: true))
            #expect(try await peer.answer(of: 1).status == 0)
        }
    }

    @Test("answers an HTTP request that names its host by the header alone, or not at all")
    func hostWithoutAuthority() async throws {
        try await Self.withPeer { peer, _ in
            for (stream, host) in [(1, [("host", "health-check")]), (3, []), (5, [(":authority", "test")])]
                as [(UInt32, [(String, String)])]
            {
                let pseudo = [(":method", "HEAD"), (":scheme", "http"), (":path", "/healthz")]
                try await peer.send(HTTP2Peer.headers(stream, pseudo + host, end: true))
                let answer = try await peer.answer(of: stream)
                #expect(answer.headers.first(name: ":status") == "200" && answer.reset == nil, "\(host)")
            }
        }
    }

    @Test("answers 415 to a POST at a call's path that is not gRPC")
    func wrongContentType() async throws {
        try await Self.withPeer { peer, _ in
            try await peer.send(
                HTTP2Peer.headers(
                    1,
                    [
                        (":method", "POST"), (":scheme", "http"), (":path", MartletWire.Method.classify.path),
                        ("content-type", "text/plain"),
                    ], end: true))
            #expect(try await peer.answer(of: 1).headers.first(name: ":status") == "415")
        }
    }
}
