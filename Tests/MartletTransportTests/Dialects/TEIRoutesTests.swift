import MartletCore
import MartletTransport
import MartletWire
import Testing

struct TEIRoutesTests {
    private static let classifier: Set<String> = ["guard"]

    struct Form: Sendable, CustomTestStringConvertible {
        let inputs: String
        let reads: [TextInput]
        let isBatch: Bool
        var testDescription: String { inputs }
    }

    @Test(
        "inputs of predict are a text, a pair, or a batch of either",
        arguments: [
            Form(inputs: #""a""#, reads: [TextInput("a")], isBatch: false),
            Form(inputs: #"["a"]"#, reads: [TextInput("a")], isBatch: false),
            // The trap: two texts in a list are one pair.
            Form(inputs: #"["a","b"]"#, reads: [TextInput("a", pair: "b")], isBatch: false),
            Form(inputs: #"[["a"],["b","c"]]"#, reads: [TextInput("a"), TextInput("b", pair: "c")], isBatch: true),
            Form(inputs: #"[["a"]]"#, reads: [TextInput("a")], isBatch: true),
        ])
    func predictForms(_ form: Form) async throws {
        let peer = DialectPeer(Self.classifier)
        let reply = try await peer.post("/predict", #"{"inputs":\#(form.inputs)}"#)
        #expect(reply.status == 200, "\(reply.text)")
        #expect(peer.engine.classified.withLock { $0.first?.request.inputs } == form.reads)
        let first = try #require(try reply.json.elements.first)
        #expect((first["label"] == nil) == form.isBatch)
        #expect(try reply.json.elements.count == (form.isBatch ? form.reads.count : 2))
    }

    @Test("a model that the body names is the one that answers")
    func modelInBody() async throws {
        let peer = DialectPeer(["guard", "rank"])
        for model in ["guard", "rank"] {
            _ = try await peer.post("/predict", #"{"inputs":"a","model":"\#(model)"}"#)
            #expect(peer.engine.classified.withLock { $0.last?.request.model.name } == model)
        }
    }

    @Test("scores are the softmax of several logits, the sigmoid of one, or the logits, best first")
    func scores() async throws {
        let peer = DialectPeer(Self.classifier)
        let soft = try await peer.post("/predict", #"{"inputs":"abcdef"}"#).json.elements
        #expect(soft.map { $0["label"]?.text } == ["INJECTION", "SAFE"])
        #expect(abs((soft[0]["score"]?.number ?? 0) - 0.880797) < 1e-5)
        let raw = try await peer.post("/predict", #"{"inputs":"a","raw_scores":true}"#).json.elements
        #expect(raw.map { $0["score"]?.number } == [0, -3] && raw.map { $0["label"]?.text } == ["SAFE", "INJECTION"])
        let single = try await DialectPeer(["rank"]).post("/predict", #"{"inputs":["a","abc"]}"#).json.elements
        #expect(single.count == 1 && abs((single[0]["score"]?.number ?? 0) - 0.880797) < 1e-5)
    }

    @Test("answers say what they took, which version it was, and that a text was cut")
    func headers() async throws {
        let reply = try await DialectPeer(Self.classifier).post(
            "/predict", #"{"inputs":"\#(String(repeating: "é", count: 15))"}"#)
        let wanted = [
            "content-type": "application/json", "x-compute-type": "cpu+optimized", "x-compute-time": "7",
            "x-compute-characters": "15", "x-compute-tokens": "512", "x-total-time": "7", "x-tokenization-time": "2",
            "x-queue-time": "1", "x-inference-time": "3", "x-martlet-model": "guard@3", "x-martlet-truncated": "1",
        ]
        #expect(reply.status == 200 && reply.headers == wanted)
    }

    struct Bad: Sendable, CustomTestStringConvertible {
        let path: String
        let body: String
        var model: String? = "guard"
        let status: Int
        let kind: String?
        var testDescription: String { "\(path) \(body.prefix(60))" }
    }

    private static let longText = String(repeating: "x", count: 30)

    static let bad: [Bad] = [
        Bad(path: "/predict", body: "{", status: 422, kind: "Validation"),
        Bad(path: "/predict", body: "{}", status: 422, kind: "Validation"),
        Bad(path: "/predict", body: #"{"inputs":["a","b","c"]}"#, status: 422, kind: "Validation"),
        Bad(path: "/predict", body: #"{"inputs":[["a","b","c"]]}"#, status: 422, kind: "Validation"),
        Bad(path: "/predict", body: #"{"inputs":[]}"#, status: 400, kind: "Empty"),
        Bad(path: "/predict", body: #"{"inputs":""}"#, status: 422, kind: "Validation"),
        Bad(path: "/predict", body: #"{"inputs":[1]}"#, status: 422, kind: "Validation"),
        Bad(path: "/predict", body: #"{"inputs":"\#(longText)","truncate":false}"#, status: 422, kind: "Validation"),
        Bad(path: "/predict", body: #"{"inputs":"a","truncation_direction":"up"}"#, status: 422, kind: "Validation"),
        Bad(path: "/predict", body: #"{"inputs":"busy"}"#, status: 429, kind: "Overloaded"),
        Bad(path: "/predict", body: #"{"inputs":"down"}"#, status: 503, kind: "Unhealthy"),
        Bad(path: "/predict", body: #"{"inputs":"broken"}"#, status: 424, kind: "Backend"),
        Bad(path: "/predict", body: #"{"inputs":"a"}"#, model: "vectors", status: 424, kind: "Backend"),
        Bad(path: "/predict", body: #"{"inputs":"a"}"#, model: "absent", status: 404, kind: "Validation"),
        Bad(path: "/predict", body: #"{"inputs":"a"}"#, model: "a b", status: 422, kind: "Validation"),
        Bad(path: "/predict", body: #"{"inputs":"a"}"#, model: nil, status: 422, kind: "Validation"),
        Bad(
            path: "/predict", body: #"{"inputs":[\#((0..<33).map { _ in #"["a"]"# }.joined(separator: ","))]}"#,
            status: 422,
            kind: "Validation"),
        Bad(path: "/embed", body: #"{"inputs":"a"}"#, status: 424, kind: "Backend"),
        Bad(path: "/embed", body: #"{"inputs":[[1,-2]]}"#, model: "vectors", status: 422, kind: "Validation"),
        Bad(
            path: "/embed", body: #"{"inputs":"a","prompt_name":"query"}"#, model: "vectors", status: 422,
            kind: "Validation"),
        Bad(
            path: "/embed", body: #"{"inputs":"a","dimensions":0}"#, model: "vectors", status: 422, kind: "Validation"),
        Bad(path: "/embed_sparse", body: #"{"inputs":"a"}"#, model: "vectors", status: 424, kind: "Backend"),
        Bad(path: "/rerank", body: #"{"query":"a","texts":["b"]}"#, status: 424, kind: "Backend"),
        Bad(path: "/rerank", body: #"{"query":"a","texts":[]}"#, model: "rank", status: 400, kind: "Empty"),
        Bad(path: "/rerank", body: #"{"texts":["a"]}"#, model: "rank", status: 422, kind: "Validation"),
        Bad(
            path: "/similarity", body: #"{"inputs":{"sentences":["a"]}}"#, model: "vectors", status: 422,
            kind: "Validation"),
        Bad(path: "/tokenize", body: #"{"inputs":[]}"#, status: 400, kind: "Empty"),
        Bad(path: "/decode", body: #"{"ids":[]}"#, status: 400, kind: "Empty"),
        Bad(path: "/decode", body: #"{"ids":["a"]}"#, status: 422, kind: "Validation"),
    ]

    @Test("errors have TEI's kinds and statuses", arguments: bad)
    func errors(_ bad: Bad) async throws {
        let reply = try await DialectPeer().post(
            bad.path, bad.body, headers: bad.model.map { ["x-martlet-model": $0] } ?? [:])
        let kind = try reply.json["error_type"]?.text
        #expect(reply.status == bad.status && kind == bad.kind, "\(reply.text)")
        #expect(try reply.json.names == ["error", "error_type"])
    }

    @Test("a body over the limit is answered 413 in plain text")
    func tooLarge() async throws {
        var limits = Limits()
        limits.messageBytesMax = 5_000
        let reply = try await DialectPeer(limits: limits).post(
            "/predict", #"{"inputs":"\#(String(repeating: "x", count: 5_000))"}"#)
        #expect(reply.status == 413 && reply.headers["content-type"]?.hasPrefix("text/plain") == true)
    }

    @Test("the model is the header's, the query's, or the only one")
    func modelChoice() async throws {
        let peer = DialectPeer()
        for (target, headers) in [
            ("/predict", ["x-martlet-model": "guard@1"]), ("/predict?model=guard:stable", [:]),
        ] as [(String, [String: String])] {
            #expect(try await peer.post(target, #"{"inputs":"a"}"#, headers: headers).status == 200)
        }
        #expect(
            peer.engine.classified.withLock { $0.map(\.request.model.description) } == ["guard@1", "guard:stable"])
        #expect(try await DialectPeer([]).post("/predict", #"{"inputs":"a"}"#).status == 503)
    }

    @Test("embeddings are lists of lists, whatever the form of the inputs")
    func embeds() async throws {
        let peer = DialectPeer(["vectors"])
        for (inputs, count) in [
            (#""ab""#, 1), (#"["ab","c"]"#, 2), ("[1,2]", 1), ("[[1,2],[3]]", 2), (#"["a",[1]]"#, 2),
        ] {
            let reply = try await peer.post("/embed", #"{"inputs":\#(inputs),"normalize":false}"#)
            let found = try reply.json.elements.count
            #expect(reply.status == 200 && found == count, "\(inputs): \(reply.text)")
        }
        let raw = try await peer.post("/embed", #"{"inputs":"ab","normalize":false}"#).json
        #expect(raw.elements[0].elements.map(\.number) == [2, 2, 1])
        let short = try await peer.post("/embed", #"{"inputs":"ab","dimensions":2}"#).json
        #expect(short.elements[0].elements.count == 2)
        #expect(peer.engine.embedded.withLock { $0.last }?.normalize == true)
        let all = try await peer.post("/embed_all", #"{"inputs":["ab","c"]}"#)
        #expect(try all.json.elements.map { $0.elements.map { $0.elements.count } } == [[3, 3], [3, 3]])
        #expect(peer.engine.embedded.withLock { $0.last }?.perToken == true)
        #expect(peer.engine.embedded.withLock { $0.last }?.overflow == .truncateRight)
    }

    @Test("similarity is the cosine with each sentence")
    func similarity() async throws {
        let reply = try await DialectPeer(["vectors"]).post(
            "/similarity", #"{"inputs":{"source_sentence":"ab","sentences":["ab","abcdefgh"]}}"#)
        let cosines = try reply.json.elements.compactMap(\.number)
        #expect(cosines.count == 2 && abs(cosines[0] - 1) < 1e-6 && cosines[1] < 1)
    }

    @Test("texts are ranked by a model of one label")
    func reranks() async throws {
        let peer = DialectPeer(["rank"])
        let body = #"{"query":"a","texts":["b","bcd","bc"],"raw_scores":true,"return_text":true}"#
        let ranks = try await peer.post("/rerank", body).json.elements
        #expect(ranks.map { $0["index"]?.number } == [1, 2, 0] && ranks.map { $0["score"]?.number } == [2, 1, 0])
        #expect(ranks.map { $0["text"]?.text } == ["bcd", "bc", "b"])
        let bare = try await peer.post("/rerank", #"{"query":"a","texts":["b"]}"#).json.elements
        #expect(bare[0].names == ["index", "score"] && bare[0]["score"]?.number == 0.5)
    }

    @Test("tokens show the piece of the text that they stand for, and ids become text again")
    func tokens() async throws {
        let peer = DialectPeer(Self.classifier)
        let tokens = try await peer.post("/tokenize", #"{"inputs":"héllo you"}"#).json.elements[0].elements
        #expect(
            tokens.map { $0["text"]?.text } == ["héllo", "you"] && tokens[1]["start"] == 7 && tokens[1]["stop"] == 10)
        #expect(try await peer.post("/tokenize", #"{"inputs":["a","b"]}"#).json.elements.count == 2)
        #expect(try await peer.post("/decode", #"{"ids":[1,2]}"#).json == ["1 2"])
        #expect(try await peer.post("/decode", #"{"ids":[[1],[2,3]]}"#).json == ["1", "2 3"])
    }

    @Test("the root path does what the model is for")
    func ownTask() async throws {
        let predicted = try await DialectPeer(Self.classifier).post("/", #"{"inputs":"a"}"#).json
        #expect(predicted.elements[0]["label"] != nil)
        #expect(try await DialectPeer(["vectors"]).post("/", #"{"inputs":"a"}"#).json.elements[0].elements.count == 3)
        let ranked = try await DialectPeer(["rank"]).post("/invocations", #"{"query":"a","texts":["b"]}"#).json
        #expect(ranked.elements[0]["index"] == 0)
    }

    @Test("the model describes itself in TEI's words, and the server its health")
    func info() async throws {
        let info = try await DialectPeer(Self.classifier).get("/info").json
        #expect(
            info["model_id"]?.text == "guard" && info["model_sha"]?.text == "d3" && info["max_input_length"] == 512)
        #expect(info["model_type"]?["classifier"]?["id2label"]?["1"]?.text == "INJECTION")
        #expect(info["model_dtype"]?.text == "int8")
        #expect(try await DialectPeer(["rank"]).get("/info").json["model_dtype"]?.text == "float32")
        #expect(info["max_client_batch_size"] == 32 && info["tokenization_workers"] == 2)
        #expect(try await DialectPeer(["vectors"]).get("/info").json["model_type"]?.names == ["embedding"])
        #expect(try await DialectPeer().get("/health").status == 200)
        #expect(try await DialectPeer([]).get("/health").status == 503)
    }
}
