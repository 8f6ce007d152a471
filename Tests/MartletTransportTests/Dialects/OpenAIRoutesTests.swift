import MartletCore
import MartletTransport
import MartletWire
import Testing

struct OpenAIRoutesTests {
    @Test(
        "an input is a text, texts, ids, or lists of ids",
        arguments: [(#""ab""#, 1), (#"["ab","c"]"#, 2), ("[1,2,3]", 1), ("[[1,2],[3]]", 2)])
    func inputs(input: String, count: Int) async throws {
        let reply = try await DialectPeer().post(
            "/v1/embeddings", #"{"model":"vectors","input":\#(input),"user":"u"}"#)
        let json = try reply.json
        #expect(reply.status == 200 && json["object"]?.text == "list" && json["model"]?.text == "vectors@2")
        let data = try #require(json["data"]?.elements)
        #expect(data.map { $0["index"]?.number } == (0..<count).map(Double.init))
        #expect(data.allSatisfy { $0["object"]?.text == "embedding" && $0["embedding"]?.elements.count == 3 })
        #expect(json["usage"]?["prompt_tokens"]?.number == Double(4 * count))
        #expect(json["usage"]?["total_tokens"]?.number == Double(4 * count))
    }

    @Test("base64 holds the same values as the list of numbers, and dimensions cut both")
    func base64() async throws {
        let peer = DialectPeer()
        let body = #"{"model":"vectors","input":"ab","dimensions":2,"encoding_format""#
        let plain = try await peer.post("/v1/embeddings", body + #":"float"}"#).json["data"]?.elements[0]["embedding"]
        let coded = try await peer.post("/v1/embeddings", body + #":"base64"}"#).json["data"]?.elements[0]["embedding"]
        let bytes = try #require(Base64.decoded(Array((coded?.text ?? "").utf8)))
        #expect(
            ProtoFields.floats(bytes).map(Double.init)
                == plain?.elements.compactMap { $0.number.map { Double(Float($0)) } })
        #expect(bytes.count == 8)
    }

    struct Bad: Sendable, CustomTestStringConvertible {
        let path: String
        let body: String
        let status: Int
        let type: String
        var testDescription: String { "\(path) \(body.prefix(60))" }
    }

    @Test(
        "errors are nested as the SDKs read them",
        arguments: [
            Bad(path: "/v1/embeddings", body: "[]", status: 400, type: "invalid_request_error"),
            Bad(path: "/v1/embeddings", body: #"{"model":"vectors"}"#, status: 400, type: "invalid_request_error"),
            Bad(
                path: "/v1/embeddings", body: #"{"model":"vectors","input":[]}"#, status: 400,
                type: "invalid_request_error"),
            Bad(
                path: "/v1/embeddings", body: #"{"model":"absent","input":"a"}"#, status: 404,
                type: "invalid_request_error"),
            Bad(path: "/v1/embeddings", body: #"{"model":7,"input":"a"}"#, status: 400, type: "invalid_request_error"),
            Bad(
                path: "/v1/embeddings", body: #"{"model":"guard","input":"a"}"#, status: 400,
                type: "invalid_request_error"),
            Bad(
                path: "/v1/embeddings", body: #"{"model":"vectors","input":"a","encoding_format":"hex"}"#, status: 400,
                type: "invalid_request_error"),
            Bad(
                path: "/v1/embeddings", body: #"{"model":"vectors","input":"busy"}"#, status: 429,
                type: "rate_limit_error"),
            Bad(
                path: "/v1/embeddings", body: #"{"model":"vectors","input":"down"}"#, status: 503, type: "server_error"
            ),
            Bad(
                path: "/v1/rerank", body: #"{"model":"rank","query":"a"}"#, status: 400, type: "invalid_request_error"),
            Bad(
                path: "/rerank", body: #"{"model":"rank","documents":["a"]}"#, status: 400,
                type: "invalid_request_error"),
            Bad(
                path: "/classify", body: #"{"model":"absent","input":["a"]}"#, status: 404,
                type: "invalid_request_error"),
        ])
    func errors(_ bad: Bad) async throws {
        let reply = try await DialectPeer().post(bad.path, bad.body)
        let error = try #require(try reply.json["error"], "\(reply.text)")
        #expect(reply.status == bad.status && error["type"]?.text == bad.type, "\(reply.text)")
        #expect(error.names == ["message", "type", "param", "code"])
    }

    @Test("models are listed by name, and one is found by version or label")
    func models() async throws {
        let peer = DialectPeer()
        let list = try await peer.get("/v1/models").json["data"]?.elements
        #expect(list?.map { $0["id"]?.text } == ["guard", "rank", "vectors"])
        for name in ["guard", "guard@1", "guard:stable"] {
            #expect(try await peer.get("/v1/models/\(name)").json["id"]?.text == name)
        }
        #expect(try await peer.get("/v1/models/absent").status == 404)
        #expect(try await peer.get("/v1/models/guard@4").status == 503)
    }

    @Test("documents are ranked in Cohere's form and in infinity's")
    func rerank() async throws {
        let peer = DialectPeer()
        let body =
            #"{"model":"rank","query":"a","documents":["b","bcd",{"text":"bc"}],"top_n":2,"return_documents":true}"#
        for path in ["/v1/rerank", "/v2/rerank"] {
            let json = try await peer.post(path, body).json
            let results = try #require(json["results"]?.elements)
            #expect(results.map { $0["index"]?.number } == [1, 2])
            #expect(results.map { $0["document"]?["text"]?.text } == ["bcd", "bc"])
            #expect(abs((results[0]["relevance_score"]?.number ?? 0) - 0.880797) < 1e-5)
        }
        let infinity = try await peer.post("/rerank", body).json
        #expect(infinity["object"]?.text == "rerank" && infinity["results"]?.elements[0]["document"]?.text == "bcd")
        #expect(infinity["usage"]?["total_tokens"] == 15 && infinity["model"]?.text == "rank@1")
    }

    @Test("texts are classified in infinity's form")
    func classify() async throws {
        let peer = DialectPeer()
        let json = try await peer.post("/classify", #"{"model":"guard","input":["abcdef","a"]}"#).json
        #expect(
            json["object"]?.text == "classify" && json.names == ["object", "data", "model", "usage", "id", "created"])
        #expect(json["data"]?.elements.map { $0.elements[0]["label"]?.text } == ["INJECTION", "SAFE"])
        let raw = try await peer.post("/classify", #"{"model":"guard","input":["a"],"raw_scores":true}"#).json
        #expect(raw["data"]?.elements[0].elements.map { $0["score"]?.number } == [0, -3])
    }
}
