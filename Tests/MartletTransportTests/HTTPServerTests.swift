import MartletCore
import MartletTransport
import MartletWire
import Testing

@Suite(.timeLimit(.minutes(5))) struct HTTPServerTests {
    static let classify = #"{"model":{"name":"echo"},"inputs":[{"text":"hello"}]}"#

    @Test func `a call answers as JSON, and the connection stays`() async throws {
        try await TestServer.with { test in
            let peer = try HTTPPeer(port: test.port)
            for _ in 0..<3 {
                try await peer.post("/martlet/v1/classify", Self.classify)
                let answer = try #require(try await peer.answer())
                #expect(answer.status == 200)
                #expect(answer["content-type"] == "application/json")
                #expect(answer.json?["results"] != nil)
                #expect(answer.text.contains(#""label":"hello""#))
                #expect(answer.text.contains(#""tokensRead":"3""#))
            }
        }
    }

    @Test func `pipelined requests are answered in their order`() async throws {
        try await TestServer.with { test in
            let peer = try HTTPPeer(port: test.port)
            var bytes = ""
            for number in 0..<50 {
                let body = #"{"model":{"name":"echo"},"inputs":[{"text":"n\#(number)"}]}"#
                bytes +=
                    "POST /martlet/v1/classify HTTP/1.1\r\nHost: x\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)"
                bytes += "GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n"
            }
            try await peer.send(bytes)
            for number in 0..<50 {
                let answer = try #require(try await peer.answer())
                #expect(answer.text.contains(#""label":"n\#(number)""#))
                #expect(try await peer.answer()?.status == 404)
            }
        }
    }

    @Test func `HTTP1_0 is answered once, and kept when it asks`() async throws {
        try await TestServer.with { test in
            let one = try HTTPPeer(port: test.port)
            try await one.send("GET /healthz HTTP/1.0\r\n\r\n")
            #expect(try await one.answer()?.text == "ok\n")
            #expect(try await one.isClosed())
            let other = try HTTPPeer(port: test.port)
            for _ in 0..<2 {
                try await other.send("GET /healthz HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
                let answer = try await other.answer()
                #expect(answer?.text == "ok\n")
                #expect(answer?["connection"] == "keep-alive")
            }
        }
    }

    @Test func `HEAD has GET's head and no body, OPTIONS names the methods`() async throws {
        try await TestServer.with { test in
            let peer = try HTTPPeer(port: test.port)
            try await peer.send("HEAD /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
            #expect(try await peer.answer(isHead: true)?["content-length"] == "3")
            try await peer.send("HEAD /martlet/v1/watch HTTP/1.1\r\nHost: x\r\n\r\n")
            #expect(try await peer.answer(isHead: true)?["content-type"] == "text/event-stream")
            try await peer.send("OPTIONS /martlet/v1/classify HTTP/1.1\r\nHost: x\r\n\r\n")
            let options = try await peer.answer()
            #expect(options?.status == 204)
            #expect(options?["allow"] == "OPTIONS, POST")
            try await peer.send("OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n")
            #expect(try await peer.answer()?.status == 204)
            try await peer.send("GET http://x/healthz?a=b HTTP/1.1\r\nHost: x\r\n\r\n")
            #expect(try await peer.answer()?.text == "ok\n")
        }
    }

    @Test func `a client that waits for 100 Continue gets it when the body is wanted, and not for a refusal`()
        async throws
    {
        try await TestServer.with { test in
            let peer = try HTTPPeer(port: test.port)
            let head =
                "POST /martlet/v1/classify HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n"
                    + "Content-Length: \(Self.classify.utf8.count)\r\n"
            try await peer.send(head + "\r\n")
            #expect(try await peer.answer()?.status == 100)
            try await peer.send(Self.classify)
            #expect(try await peer.answer()?.status == 200)
            try await peer.send(head + "Content-Type: image/png\r\n\r\n")
            let answer = try await peer.answer()
            #expect(answer?.status == 415)
            #expect(answer?["connection"] == "close")
            #expect(try await peer.isClosed())
        }
    }

    @Test func `a client that waits for 100 Continue gets it for a document too, before any answer`() async throws {
        try await TestServer.with { test in
            let peer = try HTTPPeer(port: test.port)
            try await peer.send(
                "POST /martlet/v1/classify-document?model=echo HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\n"
                    + "Expect: 100-continue\r\nContent-Length: 5\r\n\r\n")
            #expect(try await peer.answer()?.status == 100)
            try await peer.send("hello")
            #expect(try #require(try await peer.head()).hasPrefix("HTTP/1.1 200"))
        }
    }

    @Test func `a call without a model is for the one of the header, else for the only one`() async throws {
        try await TestServer.with { test in
            let peer = try HTTPPeer(port: test.port)
            for path in ["classify", "tokenize"] {
                try await peer.post("/martlet/v1/\(path)", #"{"inputs":[{"text":"hello"}]}"#)
                let answer = try #require(try await peer.answer())
                #expect(answer.status == 200, "\(answer.text)")
            }
            try await peer.post(
                "/martlet/v1/classify", #"{"inputs":[{"text":"hello"}]}"#, headers: ["x-martlet-model: fail"])
            #expect(try await peer.answer()?.text.contains("not today") == true)
        }
    }

    @Test func `the deadline of a header ends a call that holds`() async throws {
        try await TestServer.with { test in
            let peer = try HTTPPeer(port: test.port)
            try await peer.post(
                "/martlet/v1/classify", #"{"model":{"name":"hold"}}"#, headers: ["x-martlet-timeout-ms: 20"])
            let answer = try await peer.answer()
            #expect(answer?.status == 504)
            #expect(answer?.json?["error"]?["code"] == "DEADLINE_EXCEEDED")
            await test.handler.until { $0.cancelled == 1 }
        }
    }

    @Test func `a lost connection cancels its call`() async throws {
        try await TestServer.with { test in
            var peer: HTTPPeer? = try HTTPPeer(port: test.port)
            try await peer?.post("/martlet/v1/classify", #"{"model":{"name":"hold"}}"#)
            await test.handler.until { $0.started == 1 }
            peer = nil
            await test.handler.until { $0.cancelled == 1 }
        }
    }

    @Test func `an error of the engine keeps its code, and its retry hint`() async throws {
        try await TestServer.with { test in
            let peer = try HTTPPeer(port: test.port)
            try await peer.post("/martlet/v1/classify", #"{"model":{"name":"fail"}}"#)
            let answer = try #require(try await peer.answer())
            #expect(answer.status == 400)
            #expect(answer["retry-after"] == "1")
            #expect(
                answer.text
                    == #"{"error":{"code":"FAILED_PRECONDITION","status":400,"message":"not today","#
                    + #""retryAfterMs":250}}"#
            )
        }
    }

    @Test func `a server that drains finishes the call in flight and says goodbye`() async throws {
        try await TestServer.with { test in
            let peer = try HTTPPeer(port: test.port)
            try await peer.post("/martlet/v1/classify", #"{"model":{"name":"hold"}}"#)
            await test.handler.until { $0.running == 1 }
            let idle = try HTTPPeer(port: test.port)
            try await idle.get("/healthz")
            #expect(try await idle.answer()?.status == 200)
            async let cut = test.server.drain(within: .seconds(30))
            #expect(try await idle.isClosed())
            test.handler.release()
            let answer = try await peer.answer()
            #expect(answer?.status == 200)
            #expect(answer?["connection"] == "close")
            #expect(try await peer.isClosed())
            #expect(await cut == 0)
        }
    }

    @Test func `a server that shuts down ends the call in flight with 503`() async throws {
        try await TestServer.with { test in
            let peer = try HTTPPeer(port: test.port)
            try await peer.post("/martlet/v1/classify", #"{"model":{"name":"hold"}}"#)
            await test.handler.until { $0.running == 1 }
            #expect(await test.server.drain(within: .zero) == 1)
            #expect(try await peer.answer()?.status == 503)
        }
    }

    @Test func `gzip is read, and written when it is on and accepted`() async throws {
        try await TestServer.with(compressesAnswers: true) { test in
            let peer = try HTTPPeer(port: test.port)
            let text = String(repeating: "long ", count: 1_000)
            let body = Array(#"{"model":{"name":"echo"},"inputs":[{"text":"\#(text)"}]}"#.utf8)
            let small = try #require(body.withUnsafeBytes { Zlib.deflated($0, format: .gzip) })
            let head =
                "POST /martlet/v1/classify HTTP/1.1\r\nHost: x\r\nContent-Encoding: gzip\r\n"
                    + "Content-Length: \(small.count)\r\n"
            try await peer.send(Array("\(head)\r\n".utf8) + small)
            let plain = try #require(try await peer.answer())
            #expect(plain.status == 200 && plain["content-encoding"] == nil && plain["vary"] == "accept-encoding")
            try await peer.send(Array("\(head)Accept-Encoding: br, gzip;q=0.5\r\n\r\n".utf8) + small)
            let packed = try #require(try await peer.answer())
            #expect(packed["content-encoding"] == "gzip")
            #expect(try Zlib.inflated(packed.body, bytesMax: 1 << 20, format: .gzip) == plain.body)
        }
    }

    @Test func `a gzip bomb is refused at the limit`() async throws {
        try await TestServer.with { test in
            let peer = try HTTPPeer(port: test.port)
            let bomb = try #require(
                [UInt8](repeating: 0x20, count: 64 << 20).withUnsafeBytes { Zlib.deflated($0, format: .gzip) })
            let head =
                "POST /martlet/v1/classify HTTP/1.1\r\nHost: x\r\nContent-Encoding: gzip\r\n"
                    + "Content-Length: \(bomb.count)\r\n\r\n"
            try await peer.send(Array(head.utf8) + bomb)
            #expect(try await peer.answer()?.status == 413)
        }
    }
}
