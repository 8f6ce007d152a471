import Foundation
import MartletCore
import MartletTransport
import MartletWire
import Testing

@Suite(.timeLimit(.minutes(5))) struct HTTPStreamTests {
    @Test func `a text/plain body is classified while it comes, as events`() async throws {
        try await TestServer.with { test in
            let peer = try HTTPPeer(port: test.port)
            try await peer.send(
                "POST /martlet/v1/classify-document?model=echo HTTP/1.1\r\nHost: x\r\n"
                    + "Content-Type: text/plain; charset=utf-8\r\n"
                    + "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n")
            let head = try #require(try await peer.head())
            #expect(head.contains("text/event-stream"))
            let first = String(decoding: try #require(try await peer.chunk()), as: UTF8.self)
            #expect(first.hasPrefix("event: window\ndata: {\"window\":{\"index\":\"0\""))
            // The answer to the first part came before the second was sent.
            try await peer.send("6\r\n, text\r\n0\r\n\r\n")
            var rest = ""
            while let chunk = try await peer.chunk() { rest += String(decoding: chunk, as: UTF8.self) }
            #expect(rest.contains("event: window\n"))
            #expect(rest.contains("event: final\ndata: {\"final\":{"))
            #expect(rest.contains(#""bytesReceived":"11""#))
        }
    }

    @Test func `accept chooses lines, or the verdict alone`() async throws {
        try await TestServer.with { test in
            let peer = try HTTPPeer(port: test.port)
            try await peer.post(
                "/martlet/v1/classify-document?model=echo", "text", type: "text/plain",
                headers: ["Accept: application/x-ndjson"])
            let lines = try #require(try await peer.answer())
            #expect(lines["content-type"] == "application/x-ndjson")
            let values = try lines.text.split(separator: "\n").map { try JSONValue(parsing: Array($0.utf8)) }
            #expect(values.count == 2)
            #expect(values.last?["final"]?["label"] == "a")
            try await peer.post(
                "/martlet/v1/classify-document?model=echo", "text", type: "text/plain",
                headers: ["Accept: application/json"])
            let verdict = try #require(try await peer.answer())
            #expect(verdict["content-type"] == "application/json")
            #expect(verdict.json?["label"] == "a")
            #expect(verdict.json?["aggregation"] == "AGGREGATION_MEAN")
        }
    }

    @Test func `JSON lines are messages, blank ones none`() async throws {
        try await TestServer.with { test in
            let peer = try HTTPPeer(port: test.port)
            let body = """
                {"options": {"model": {"name": "echo"}}, "data": "aGVsbG8="}

                {"data": "aGVsbG8h"}
                """
            try await peer.post(
                "/martlet/v1/classify-document", body, type: "application/x-ndjson",
                headers: ["Accept: application/json"])
            #expect(try await peer.answer()?.json?["coverage"]?["bytesReceived"] == "11")
            let requests = (0..<3).map {
                #"{"id":"\#($0)","request":{"model":{"name":"echo"},"inputs":[{"text":"t\#($0)"}]}}"# + "\n"
            }
            try await peer.post("/martlet/v1/classify-stream", requests.joined(), type: "application/x-ndjson")
            let answer = try #require(try await peer.answer())
            #expect(answer.text.components(separatedBy: "event: response\n").count == 4)
            #expect(answer.text.contains(#""label":"t2""#))
        }
    }

    @Test func `an error before the first event has its status, a later one is an event`() async throws {
        try await TestServer.with { test in
            let peer = try HTTPPeer(port: test.port)
            try await peer.post("/martlet/v1/classify-document", #"{"data":"aGVsbG8="}"#)
            let early = try #require(try await peer.answer())
            #expect(early.status == 400)
            #expect(early.message == "options: the first chunk of a document must hold them")
            let lines = """
                {"options": {"model": {"name": "echo"}}, "data": "aGVsbG8="}
                {"dada": 1}
                """
            try await peer.post("/martlet/v1/classify-document", lines, type: "application/x-ndjson")
            let late = try #require(try await peer.answer())
            #expect(late.status == 200)
            #expect(late.text.hasPrefix("event: window\n"))
            #expect(
                late.text.contains(
                    "event: error\ndata: {\"error\":{\"code\":\"INVALID_ARGUMENT\",\"status\":400,"
                        + "\"message\":\"line 2: dada is not"
                ))
        }
    }

    @Test func `an early verdict ends the answer while the body still comes`() async throws {
        try await TestServer.with { test in
            let peer = try HTTPPeer(port: test.port)
            try await peer.send(
                "POST /martlet/v1/classify-document?model=first HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\n"
                    + "Content-Length: 1000000\r\n\r\nhello")
            let answer = try #require(try await peer.answer())
            #expect(answer.text.contains("event: final"))
        }
    }

    @Test func `a client that does not read stops its producer, and nothing else`() async throws {
        try await TestServer.with { test in
            let slow = try HTTPPeer(port: test.port)
            try await slow.post("/martlet/v1/classify-document?model=flood", "x", type: "text/plain")
            _ = try await slow.head()
            await test.handler.until { $0.eventsSent > 100 }
            let other = try HTTPPeer(port: test.port)
            try await other.get("/healthz")
            #expect(try await other.answer()?.status == 200)
        }
    }

    @Test func `a document of many megabytes passes with a bounded part of it waiting`() async throws {
        try await TestServer.with { test in
            let peer = try HTTPPeer(port: test.port)
            let part = [UInt8](repeating: 0x61, count: 1 << 20)
            try await peer.send(
                "POST /martlet/v1/classify-document?model=echo&omitWindows=true HTTP/1.1\r\nHost: x\r\n"
                    + "Content-Type: text/plain\r\n"
                    + "Accept: application/json\r\nContent-Length: \(20 << 20)\r\n\r\n")
            for _ in 0..<20 { try await peer.send(part) }
            #expect(try await peer.answer()?.json?["coverage"]?["bytesReceived"] == .string("\(20 << 20)"))
        }
    }

    @Test func `models are watched until the client leaves or the server drains`() async throws {
        try await TestServer.with { test in
            let peer = try HTTPPeer(port: test.port)
            try await peer.get("/martlet/v1/watch?name=echo")
            _ = try await peer.head()
            let first = String(decoding: try #require(try await peer.chunk()), as: UTF8.self)
            #expect(first.hasPrefix("data: {\"models\":[{\"name\":\"echo\""))
            async let cut = test.server.drain(within: .seconds(30))
            let last = String(decoding: try #require(try await peer.chunk()), as: UTF8.self)
            #expect(last.contains("event: error"))
            #expect(try await peer.chunk() == nil)
            #expect(await cut == 0)
        }
    }

    @Test func `a silent stream is sent comments`() async throws {
        var limits = Limits()
        limits.heartbeatInterval = .milliseconds(10)
        try await TestServer.with(limits: limits) { test in
            let peer = try HTTPPeer(port: test.port)
            try await peer.get("/martlet/v1/watch?name=echo")
            _ = try await peer.head()
            _ = try await peer.chunk()
            #expect(try await peer.chunk() == Array(": keep-alive\n\n".utf8))
        }
    }
}
