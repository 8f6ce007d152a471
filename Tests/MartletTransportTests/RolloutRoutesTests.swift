import MartletCore
import MartletTransport
import MartletWire
import Testing

@Suite("The calls of a model's owner as JSON over HTTP", .timeLimit(.minutes(5)))
struct RolloutRoutesTests {
    @Test("every call has its path")
    func paths() async throws {
        try await TestServer.with { test in
            let peer = try HTTPPeer(port: test.port)
            func post(_ path: String, _ body: String = "") async throws -> HTTPPeer.Answer {
                try await peer.post("/martlet/v1/" + path, body)
                return try #require(try await peer.answer())
            }
            #expect(try await post("models/echo/versions/2/load").json?["version"] == 2)
            #expect(try await post("models/echo/versions/2/unload").status == 200)
            #expect(try await post("models/echo/versions/3/clear").status == 200)
            #expect(try await post("models/echo/versions/3/load").status == 400)
            let route = #"{"route": {"targets": [{"version": 1, "weight": 9}, {"version": 2, "weight": 1}]}}"#
            #expect(try await post("models/echo/routes/stable", route).status == 200)
            #expect(try await post("models/echo/routes/stable").status == 200)
            let spec = #"{"model": "echo", "version": 2, "rules": {"p99RatioMax": 1.5}}"#
            #expect(try await post("rollouts/plan", spec).json?["to"] == 2)
            #expect(try await post("rollouts", spec).json?["phase"] == "ROLLOUT_PHASE_LOADING")
            #expect(try await post("rollouts/echo/promote", #"{"label": "stable"}"#).json?["from"] == 1)
            #expect(try await post("rollouts/echo/rollback", #"{"reason": "it hums"}"#).json?["reason"] == "it hums")
            #expect(
                test.rollouts.asked == [
                    "load echo/2", "unload echo/2", "clear echo/3", "route echo:stable to 1x9+2x1",
                    "route echo:stable to nothing", "start echo:latest to 2", "promote echo:stable",
                    "rollback echo:latest: it hums",
                ])
            try await peer.get("/martlet/v1/routes?name=echo", headers: ["User: u-3"])
            let routes = try #require(try await peer.answer())
            #expect(routes.text.contains(#""stickyKey":"u-3""#))
            try await peer.get("/martlet/v1/rollouts")
            #expect(try await peer.answer()?.text.contains(#""phase":"ROLLOUT_PHASE_BAKING""#) == true)
        }
    }

    @Test("a rollout without a model is refused: the default model is for texts")
    func withoutModel() async throws {
        try await TestServer.with { test in
            let peer = try HTTPPeer(port: test.port)
            for path in ["/martlet/v1/rollouts/plan", "/martlet/v1/rollouts"] {
                try await peer.post(path, #"{"version": 2}"#)
                #expect(try await peer.answer()?.status == 404)
            }
        }
    }

    @Test("rollouts are watched as events")
    func watch() async throws {
        try await TestServer.with { test in
            let peer = try HTTPPeer(port: test.port)
            try await peer.get("/martlet/v1/rollouts/watch")
            _ = try await peer.head()
            let first = String(decoding: try #require(try await peer.chunk()), as: UTF8.self)
            #expect(first.hasPrefix("data: {\"rollouts\":[{\"spec\":{\"model\":\"echo\""))
        }
    }

    @Test("an upload of JSON lines is answered while it comes")
    func publish() async throws {
        try await TestServer.with { test in
            let peer = try HTTPPeer(port: test.port)
            try await peer.send(
                "POST /martlet/v1/publish HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-ndjson\r\n"
                    + "Accept: application/x-ndjson\r\nTransfer-Encoding: chunked\r\n\r\n")
            func line(_ text: String) async throws {
                try await peer.send("\(String(text.utf8.count + 1, radix: 16))\r\n\(text)\n\r\n")
            }
            try await line(#"{"begin": {"manifest": "AQ=="}}"#)
            _ = try await peer.head()
            // A slow machine's heartbeats are empty lines.
            var held = ""
            while held.allSatisfy(\.isWhitespace), let chunk = try await peer.chunk() {
                held = String(decoding: chunk, as: UTF8.self)
            }
            #expect(held == "{\"held\":{}}\n" || held == "{\"held\":{\"files\":[]}}\n")
            try await line(#"{"bytes": {"file": "a", "data": "AQID"}}"#)
            try await peer.send("0\r\n\r\n")
            var rest = ""
            while let chunk = try await peer.chunk() { rest += String(decoding: chunk, as: UTF8.self) }
            #expect(rest.trimmingPrefix(while: \.isWhitespace).hasPrefix(#"{"receivedBytes":"3"}"#))
            #expect(rest.contains(#"{"published":{"name":"echo","version":4"#))
            #expect(test.rollouts.file("a") == [1, 2, 3])
        }
    }
}
