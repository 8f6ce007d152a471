import MartletCore
import MartletTransport
import MartletWire
import Testing

struct OpenInferenceRoutesTests {
    private static let path = "/v2/models/guard/infer"

    private static func body(_ data: String, shape: String = "[1]", rest: String = "") -> String {
        #"{"id":"r1","inputs":[{"name":"text","shape":\#(shape),"datatype":"BYTES","data":\#(data)}]\#(rest)}"#
    }

    @Test("texts as JSON have their answer as JSON")
    func infers() async throws {
        for (data, shape) in [
            (#"["abcdef","a"]"#, "[2]"), (#"[["abcdef"],["a"]]"#, "[2,1]"), (#"["abcdef","a"]"#, "[2,1]"),
        ] {
            let reply = try await DialectPeer().post(Self.path, Self.body(data, shape: shape))
            let json = try reply.json
            #expect(reply.status == 200 && reply.headers["content-type"] == "application/json")
            #expect(
                json["model_name"]?.text == "guard" && json["model_version"]?.text == "3" && json["id"]?.text == "r1")
            let outputs = try #require(json["outputs"]?.elements)
            #expect(outputs.map { $0["name"]?.text } == ["label", "score", "scores", "logits"])
            #expect(outputs[0]["data"] == ["INJECTION", "SAFE"] && outputs[0]["shape"] == [2])
            #expect(outputs[3]["data"]?.elements.map(\.number) == [0, 2, 0, -3] && outputs[3]["shape"] == [2, 2])
        }
    }

    @Test("a version in the path is a number or a label")
    func versions() async throws {
        for (version, answers) in [("1", "1"), ("stable", "3")] {
            let reply = try await DialectPeer().post(
                "/v2/models/guard/versions/\(version)/infer", Self.body(#"["a"]"#))
            #expect(try reply.json["model_version"]?.text == answers)
        }
    }

    /// A JSON head and what follows it.
    private static func binary(_ head: String, _ raw: [UInt8]) -> (body: [UInt8], headers: [String: String]) {
        (Array(head.utf8) + raw, ["inference-header-content-length": String(head.utf8.count)])
    }

    private static func binaryHead(_ size: String, rest: String = "") -> String {
        #"{"inputs":[{"name":"text","shape":[1],"datatype":"BYTES","#
            + #""parameters":{"binary_data_size":\#(size)}}]\#(rest)}"#
    }

    @Test("binary tensors come in and go out behind the JSON text")
    func binaryTensors() async throws {
        let raw = OpenInferenceCallsTests.raw(["abcdef"])
        let (body, headers) = Self.binary(
            Self.binaryHead(
                "\(raw.count)",
                rest: #","outputs":[{"name":"logits","parameters":{"binary_data":true}},{"name":"label"}]"#), raw)
        let reply = try await DialectPeer().send("POST", Self.path, body: body, headers: headers)
        #expect(reply.status == 200 && reply.headers["content-type"] == "application/octet-stream")
        let length = try #require(reply.headers["inference-header-content-length"].flatMap { Int($0) })
        let json = try JSONValue(parsing: Array(reply.bytes.prefix(length)))
        let outputs = try #require(json["outputs"]?.elements)
        #expect(outputs[0]["parameters"]?["binary_data_size"] == 8 && outputs[0]["data"] == nil)
        #expect(outputs[1]["data"] == ["INJECTION"])
        #expect(ProtoFields.floats(Array(reply.bytes.dropFirst(length))) == [0, 2])
    }

    @Test("binary_data_output makes every output binary, where an output does not say otherwise")
    func binaryOutputs() async throws {
        let rest =
            #","parameters":{"binary_data_output":true},"#
                + #""outputs":[{"name":"label"},{"name":"score","parameters":{"binary_data":false}}]"#
        let reply = try await DialectPeer().post(Self.path, Self.body(#"["abcdef"]"#, rest: rest))
        let length = try #require(reply.headers["inference-header-content-length"].flatMap { Int($0) })
        let json = try JSONValue(parsing: Array(reply.bytes.prefix(length)))
        #expect(json["outputs"]?.elements.map { $0["data"] == nil } == [true, false])
        #expect(ProtoFields.elements(Array(reply.bytes.dropFirst(length))) == ["INJECTION"])
    }

    @Test("a body without a JSON text is one text")
    func rawText() async throws {
        let peer = DialectPeer()
        let reply = try await peer.send(
            "POST", Self.path, body: Array("abcdef".utf8), headers: ["inference-header-content-length": "0"])
        #expect(reply.status == 200)
        #expect(peer.engine.classified.withLock { $0.first?.request.inputs } == [TextInput("abcdef")])
    }

    struct Bad: Sendable, CustomTestStringConvertible {
        let name: String
        var path = OpenInferenceRoutesTests.path
        let body: String
        var headers: [String: String] = [:]
        var status = 400
        let says: String
        var testDescription: String { name }
    }

    static let bad: [Bad] = [
        Bad(name: "no JSON", body: "{", says: "not valid JSON"),
        Bad(name: "a list", body: "[]", says: "the body must be an object"),
        Bad(name: "no inputs", body: "{}", says: "inputs is missing"),
        Bad(
            name: "no data", body: #"{"inputs":[{"name":"t","shape":[1],"datatype":"BYTES"}]}"#,
            says: "inputs[0].data is missing"),
        Bad(name: "a number", body: body("[1]"), says: "inputs[0].data[0] must be a string"),
        Bad(name: "a deep list", body: body(#"[[["a"]]]"#), says: "inputs[0].data[0][0] must be a string"),
        Bad(name: "a fraction", body: body(#"["a"]"#, shape: "[1.5]"), says: "inputs[0].shape[0] must be an integer"),
        Bad(name: "too few", body: body(#"["a"]"#, shape: "[2]"), says: "stands for 2"),
        Bad(
            name: "datatype", body: #"{"inputs":[{"name":"t","shape":[1],"datatype":"FP32","data":[1]}]}"#,
            says: "datatype is FP32"),
        Bad(name: "size without header", body: binaryHead("5"), says: "needs the header"),
        Bad(
            name: "header beyond the body", body: "{}", headers: ["inference-header-content-length": "3"],
            says: "at most the 2 of the body"),
        Bad(
            name: "negative header", body: "{}", headers: ["inference-header-content-length": "-1"],
            says: "inference-header-content-length must be"),
        Bad(
            name: "size beyond the body", body: binaryHead("5"),
            headers: ["inference-header-content-length": "\(binaryHead("5").utf8.count)"],
            says: "is 5, and 0 bytes are left"),
        Bad(
            name: "largest size", body: binaryHead("9223372036854775807"),
            headers: ["inference-header-content-length": "\(binaryHead("9223372036854775807").utf8.count)"],
            says: "0 bytes are left"),
        Bad(
            name: "bytes of nothing", body: body(#"["a"]"#) + "xx",
            headers: ["inference-header-content-length": "\(body(#"["a"]"#).utf8.count)"], says: "2 bytes follow"),
        Bad(
            name: "unknown model", path: "/v2/models/absent/infer", body: body(#"["a"]"#), status: 404,
            says: "no model"),
        Bad(name: "overload", body: body(#"["busy"]"#), status: 429, says: "queue"),
        Bad(name: "draining", body: body(#"["down"]"#), status: 503, says: "drains"),
        Bad(name: "deadline", body: body(#"["late"]"#), status: 504, says: "deadline"),
        Bad(name: "our fault", body: body(#"["broken"]"#), status: 500, says: "engine"),
    ]

    @Test("what cannot be answered says so in Triton's form", arguments: bad)
    func refuses(_ bad: Bad) async throws {
        let reply = try await DialectPeer().send("POST", bad.path, body: Array(bad.body.utf8), headers: bad.headers)
        let json = try reply.json
        #expect(reply.status == bad.status && json.names == ["error"], "\(reply.status) \(reply.text)")
        #expect(json["error"]?.text?.contains(bad.says) == true, "\(reply.text)")
    }

    @Test("a refusal for overload says when to come back")
    func retryAfter() async throws {
        let reply = try await DialectPeer().post(Self.path, Self.body(#"["busy"]"#))
        #expect(reply.headers["retry-after"] == "2")
    }

    @Test("the server, its models and its repository are read and changed")
    func describes() async throws {
        let peer = DialectPeer()
        #expect(try await peer.get("/v2").json["name"]?.text == "martlet")
        #expect(try await peer.get("/v2/health/live").status == 200)
        #expect(try await peer.get("/v2/health/ready").status == 200)
        #expect(try await DialectPeer([]).get("/v2/health/ready").status == 503)
        #expect(try await peer.get("/v2/models").json["models"] == ["guard", "rank", "vectors"])
        #expect(try await peer.get("/v2/models/guard/ready").status == 200)
        #expect(try await peer.get("/v2/models/guard/versions/4/ready").status == 503)
        #expect(try await peer.get("/v2/models/absent").status == 404)
        #expect(try await peer.get("/v2/models/absent/ready").status == 404)
        let metadata = try await peer.get("/v2/models/guard").json
        #expect(metadata["versions"] == ["1", "3"] && metadata["inputs"]?.elements[0]["shape"] == [-1, 1])
        let config = try await peer.get("/v2/models/guard/config").json
        #expect(config["max_batch_size"] == 256 && config["input"]?.elements[0]["data_type"]?.text == "TYPE_STRING")
        let all = try await peer.get("/v2/models/stats").json
        #expect(all["model_stats"]?.elements.count == 4)
        let one = try await peer.get("/v2/models/guard/versions/1/stats").json
        #expect(one["model_stats"]?.elements.map { $0["version"]?.text } == ["1"])
        #expect(one["model_stats"]?.elements[0]["inference_stats"]?["success"]?["ns"] == 70_000)
        #expect(try await peer.post("/v2/repository/index", "").json.elements.count == 5)
        #expect(try await peer.post("/v2/repository/index", #"{"ready":true}"#).json.elements.count == 4)
        let unload = try await peer.post(
            "/v2/repository/models/guard/unload", #"{"parameters":{"unload_dependents":false}}"#)
        #expect(try unload.json == ["name": "guard", "unload": true])
        #expect(try await peer.post("/v2/repository/models/guard/load", "").json == ["name": "guard", "load": true])
        #expect(peer.engine.loads.withLock { $0 } == ["unload guard", "load guard"])
        let config2 = try await peer.post("/v2/repository/models/guard/load", #"{"parameters":{"config":"{}"}}"#)
        #expect(config2.status == 400)
    }
}
