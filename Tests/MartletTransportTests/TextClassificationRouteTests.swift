import MartletCore
import MartletTransport
import MartletWire
import Testing

@Suite(.timeLimit(.minutes(5))) struct TextClassificationRouteTests {
    @Test func `a text has a label, its score, all labels and the model that gave them`() async throws {
        try await TestServer.with { test in
            let peer = try HTTPPeer(port: test.port)
            try await peer.post("/api/text-classification", #"{"text":"这是一个简单的文本数据","model":"echo"}"#)
            let answer = try #require(try await peer.answer())
            #expect(answer.status == 200)
            #expect(answer.json?["label"] == "这是一个简单的文本数据")
            #expect(answer.json?["model"]?["version"] == 1)
            #expect(answer.json?["windows"] == 1)
            #expect(answer.json?["truncated"] == false)
        }
    }

    @Test func `texts have results in their order`() async throws {
        try await TestServer.with { test in
            let peer = try HTTPPeer(port: test.port)
            try await peer.post("/api/text-classification", #"{"texts":["a","b"],"model":"echo"}"#)
            guard case .array(let results)? = try await peer.answer()?.json?["results"] else {
                Issue.record("no results")
                return
            }
            #expect(results.first?["label"] == "a")
        }
    }
}
