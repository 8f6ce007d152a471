import MartletCore
import MartletTransport
import MartletWire
import Testing

struct OpenInferenceCallsTests {
    static let service = "/inference.GRPCInferenceService/"

    /// A `ModelInferRequest` of raw texts, as tritonclient sends it.
    static func infer(
        _ model: String = "guard", version: String = "", shape: [Int64], raw: [UInt8], outputs: [ProtoBytes] = [],
        parameters: [ProtoBytes] = [], id: String = "r1"
    ) -> ProtoBytes {
        ProtoBytes(
            [.text(1, model), .text(2, version), .text(3, id)] + parameters.map { .message(4, $0) }
                + [.message(5, [.text(1, "anything"), .text(2, "BYTES"), .packed(3, shape)])]
                + outputs.map { .message(6, $0) } + [.bytes(7, raw)])
    }

    static func raw(_ texts: [String]) -> [UInt8] { OpenInference.Elements.texts(texts).raw }

    static func parameter(_ name: String, _ value: ProtoBytes) -> ProtoBytes { [.text(1, name), .message(2, value)] }

    @Test("raw texts are classified, and every output but the labels' names comes raw in its order")
    func infers() async throws {
        let peer = DialectPeer()
        let request = Self.infer(shape: [2], raw: Self.raw(["abcdef", "a"]))
        let answer = try await peer.call(Self.service + "ModelInfer", request)
        #expect(answer.text(1) == "guard" && answer.text(2) == "3" && answer.text(3) == "r1")
        #expect(answer.messages(5).map { $0.text(1) } == ["label", "score", "scores", "logits"])
        #expect(answer.messages(5).map { $0.text(2) } == ["BYTES", "FP32", "FP32", "FP32"])
        #expect(answer.messages(5).map { $0.numbers(3) } == [[2], [2], [2, 2], [2, 2]])
        let raw = answer.bytes(6)
        #expect(ProtoFields.elements(raw[0]) == ["INJECTION", "SAFE"])
        #expect(ProtoFields.floats(raw[3]) == [0, 2, 0, -3])
        let scores = ProtoFields.floats(raw[2])
        #expect(ProtoFields.floats(raw[1]) == [scores[1], scores[2]])
    }

    @Test("a request with typed contents has an answer with typed contents")
    func typedContents() async throws {
        let request: ProtoBytes = [
            .text(1, "guard"),
            .message(
                5,
                [
                    .text(1, "text"), .text(2, "BYTES"), .packed(3, [1, 1]),
                    .message(5, [.bytes(8, Array("abcdef".utf8))]),
                ]),
        ]
        let answer = try await DialectPeer().call(Self.service + "ModelInfer", request)
        #expect(answer.bytes(6).isEmpty)
        #expect(answer.messages(5)[0].message(5).texts(8) == ["INJECTION"])
        #expect(answer.messages(5)[3].message(5).floats(6) == [0, 2])
    }

    @Test("a shape of two columns is a list of pairs")
    func pairs() async throws {
        let peer = DialectPeer()
        let request = Self.infer(shape: [2, 2], raw: Self.raw(["a", "b", "c", "d"]), outputs: [[.text(1, "label")]])
        let answer = try await peer.call(Self.service + "ModelInfer", request)
        #expect(ProtoFields.elements(answer.bytes(6)[0]).count == 2)
        #expect(
            peer.engine.classified.withLock { $0.first?.request.inputs }
                == [TextInput("a", pair: "b"), TextInput("c", pair: "d")])
    }

    struct Hostile: Sendable, CustomTestStringConvertible {
        let name: String
        let shape: [Int64]
        let raw: [UInt8]
        let says: String
        var testDescription: String { name }
    }

    @Test(
        "a raw tensor that lies about its sizes is refused by name",
        arguments: [
            Hostile(
                name: "length beyond the end", shape: [1], raw: [9, 0, 0, 0, 65], says: "has 9 bytes, and 1 are left"),
            Hostile(name: "largest length", shape: [1], raw: [255, 255, 255, 255, 65], says: "4294967295 bytes"),
            Hostile(name: "half a length", shape: [1], raw: [1, 0], says: "ends inside the length of element 0"),
            Hostile(name: "half a second length", shape: [2], raw: [1, 0, 0, 0, 65, 1], says: "length of element 1"),
            Hostile(name: "too few elements", shape: [3], raw: raw(["a"]), says: "has 1 elements"),
            Hostile(name: "too many elements", shape: [1], raw: raw(["a", "b"]), says: "more elements than the 1"),
            Hostile(
                name: "a million empty texts", shape: [2], raw: .init(repeating: 0, count: 1 << 20),
                says: "more elements"),
            Hostile(name: "nothing", shape: [1], raw: [], says: "has 0 elements"),
            Hostile(name: "no shape", shape: [], raw: raw(["a"]), says: "inputs[0].shape is []"),
            Hostile(name: "negative", shape: [-1], raw: raw(["a"]), says: "inputs[0].shape is [-1]"),
            Hostile(name: "three columns", shape: [1, 3], raw: raw(["a"]), says: "shape is [1, 3]"),
            Hostile(name: "no columns", shape: [1, 0], raw: [], says: "shape is [1, 0]"),
            Hostile(name: "three dimensions", shape: [1, 1, 1], raw: raw(["a"]), says: "shape is [1, 1, 1]"),
            Hostile(name: "overflow", shape: [.max, 2], raw: raw(["a"]), says: "shape is [9223372036854775807, 2]"),
            Hostile(name: "largest count", shape: [.max, 1], raw: raw(["a"]), says: "stands for 9223372036854775807"),
            Hostile(
                name: "a thousand dimensions", shape: .init(repeating: 1, count: 1_000), raw: raw(["a"]),
                says: "of 1000 dimensions"),
            Hostile(name: "not UTF-8", shape: [1], raw: [2, 0, 0, 0, 0xC3, 0x28], says: "element 0 of inputs[0]"),
        ])
    func hostileTensor(_ hostile: Hostile) async throws {
        let request = Self.infer(shape: hostile.shape, raw: hostile.raw)
        let error = await #expect(throws: MartletError.self) {
            try await DialectPeer().call(Self.service + "ModelInfer", request)
        }
        #expect(error?.code == .invalidArgument && error?.message.contains(hostile.says) == true, "\(error as Any)")
    }

    struct Refused: Sendable, CustomTestStringConvertible {
        let name: String
        let request: ProtoBytes
        let code: MartletError.Code
        let says: String
        var testDescription: String { name }
    }

    private static let one = raw(["abcdef"])

    static let refused: [Refused] = [
        Refused(
            name: "another datatype",
            request: [.text(1, "guard"), .message(5, [.text(1, "x"), .text(2, "INT64"), .packed(3, [1])])],
            code: .invalidArgument, says: "inputs[0].datatype is INT64"),
        Refused(name: "no input", request: [.text(1, "guard")], code: .invalidArgument, says: "inputs has 0 tensors"),
        Refused(
            name: "raw entries for other inputs", request: [.text(1, "guard"), .bytes(7, one)], code: .invalidArgument,
            says: "raw_input_contents has 1 entries for 0 inputs"),
        Refused(
            name: "raw and typed",
            request: [
                .text(1, "guard"),
                .message(5, [.text(2, "BYTES"), .packed(3, [1]), .message(5, [.bytes(8, [65])])]), .bytes(7, one),
            ], code: .invalidArgument, says: "contents beside raw_input_contents"),
        Refused(
            name: "no model", request: infer("absent", shape: [1], raw: one), code: .notFound,
            says: "no model of that name"),
        Refused(
            name: "no version", request: infer(version: "9", shape: [1], raw: one), code: .notFound,
            says: "no model of that name"),
        Refused(
            name: "no output", request: infer(shape: [1], raw: one, outputs: [[.text(1, "embedding")]]),
            code: .invalidArgument, says: "label, score, labels, scores, logits"),
        Refused(
            name: "an output twice",
            request: infer(shape: [1], raw: one, outputs: [[.text(1, "label")], [.text(1, "label")]]),
            code: .invalidArgument, says: "outputs[1].name is asked for twice"),
        Refused(
            name: "classes of labels",
            request: infer(
                shape: [1], raw: one,
                outputs: [[.text(1, "label"), .message(2, parameter("classification", [.varint(2, 1)]))]]),
            code: .invalidArgument, says: "classification belongs to"),
        Refused(
            name: "overflow",
            request: infer(shape: [1], raw: one, parameters: [parameter("overflow", [.text(3, "chop")])]),
            code: .invalidArgument, says: "parameters.overflow must be"),
        Refused(
            name: "timeout",
            request: infer(shape: [1], raw: one, parameters: [parameter("timeout", [.text(3, "soon")])]),
            code: .invalidArgument, says: "parameters.timeout must be"),
        Refused(
            name: "priority",
            request: infer(shape: [1], raw: one, parameters: [parameter("priority", [.varint(2, .max)])]),
            code: .invalidArgument, says: "parameters.priority must be"),
        Refused(
            name: "too long", request: infer(shape: [1], raw: raw([.init(repeating: "x", count: 30)])),
            code: .invalidArgument, says: "600 tokens"),
        Refused(
            name: "pairs for vectors", request: infer("vectors", shape: [1, 2], raw: raw(["a", "b"])),
            code: .invalidArgument, says: "pairs of texts"),
        Refused(
            name: "overload", request: infer(shape: [1], raw: raw(["busy"])), code: .resourceExhausted, says: "queue"),
    ]

    @Test("what cannot be answered is refused with its status", arguments: refused)
    func refuses(_ refused: Refused) async throws {
        let error = await #expect(throws: MartletError.self) {
            try await DialectPeer().call(Self.service + "ModelInfer", refused.request)
        }
        #expect(error?.code == refused.code && error?.message.contains(refused.says) == true, "\(error as Any)")
    }

    @Test("only what is asked for comes, and classification makes texts of the best classes")
    func requestedOutputs() async throws {
        let request = Self.infer(
            shape: [1], raw: Self.one,
            outputs: [
                [.text(1, "logits"), .message(2, Self.parameter("classification", [.varint(2, 1)]))],
                [.text(1, "labels")],
                [.text(1, "scores"), .message(2, Self.parameter("classification", [.varint(5, 9)]))],
            ])
        let answer = try await DialectPeer().call(Self.service + "ModelInfer", request)
        #expect(answer.messages(5).map { $0.text(1) } == ["logits", "labels", "scores"])
        #expect(answer.messages(5).map { $0.numbers(3) } == [[1, 1], [1, 2], [1, 2]])
        #expect(ProtoFields.elements(answer.bytes(6)[0]) == ["2.0:1:INJECTION"])
        #expect(ProtoFields.elements(answer.bytes(6)[1]) == ["SAFE", "INJECTION"])
        #expect(
            ProtoFields.elements(answer.bytes(6)[2]).map { $0.split(separator: ":").last } == ["INJECTION", "SAFE"])
    }

    @Test("a model of vectors answers with its embedding")
    func embeds() async throws {
        let answer = try await DialectPeer().call(
            Self.service + "ModelInfer", Self.infer("vectors", shape: [2, 1], raw: Self.raw(["ab", "cdé"])))
        #expect(answer.messages(5).map { $0.text(1) } == ["embedding"])
        #expect(answer.messages(5)[0].numbers(3) == [2, 3])
        #expect(abs(ProtoFields.floats(answer.bytes(6)[0])[0] - 2 / 3) < 1e-6)
    }

    @Test(
        "a version is a number, a label, or a part of the name",
        arguments: [
            ("guard", "", "3"), ("guard", "1", "1"), ("guard", "stable", "3"), ("guard@1", "", "1"),
            ("guard:stable", "", "3"),
        ])
    func versions(name: String, version: String, answers: String) async throws {
        let answer = try await DialectPeer().call(
            Self.service + "ModelInfer", Self.infer(name, version: version, shape: [1], raw: Self.one))
        #expect(answer.text(2) == answers)
    }

    @Test("overflow and timeout reach the engine; a window has no logits")
    func parameters() async throws {
        let peer = DialectPeer()
        for (name, value) in [
            ("truncate", [.varint(1, 1)]), ("truncate", [.text(3, "left")]), ("overflow", [.text(3, "window")]),
        ]
            as [(String, ProtoBytes)]
        {
            let request = Self.infer(
                shape: [1], raw: Self.raw([.init(repeating: "x", count: 30)]),
                parameters: [Self.parameter(name, value), Self.parameter("timeout", [.varint(2, 5_000_000)])])
            let answer = try await peer.call(Self.service + "ModelInfer", request)
            #expect(answer.messages(5).count == (name == "overflow" ? 3 : 4))
        }
        let seen = peer.engine.classified.withLock { $0 }
        #expect(seen.map(\.request.overflow) == [.truncateRight, .truncateLeft, .window])
        for (_, context) in seen {
            let left = try #require(context.deadline.instant).duration(to: context.arrival)
            #expect(left == .seconds(-5))
        }
    }

    @Test("a stream answers in order, marks each answer as final, and says errors in their place")
    func streams() async throws {
        let texts = ["abcdef", "busy", "a", "down", "abcdefg"]
        let requests = texts.enumerated().map { Self.infer(shape: [1], raw: Self.raw([$1]), id: "n\($0)") }
        let (answers, error) = try await DialectPeer().stream(Self.service + "ModelStreamInfer", requests)
        #expect(error == nil)
        #expect(answers.map { $0.message(2).text(3) } == ["n0", "n1", "n2", "n3", "n4"])
        #expect(answers.map { $0.text(1) } == ["", "the queue is full", "", "the server drains", ""])
        let final = answers[0].message(2).message(4)
        #expect(final.text(1) == "triton_final_response" && final.message(2).number(1) == 1)
    }

    @Test("with triton_grpc_error the first error ends the stream, after the answers before it")
    func streamEnds() async throws {
        let requests = ["abcdef", "busy", "a"].map { Self.infer(shape: [1], raw: Self.raw([$0])) }
        let (answers, error) = try await DialectPeer().stream(
            Self.service + "ModelStreamInfer", requests, metadata: ["triton_grpc_error": "true"])
        #expect(answers.count == 1 && error?.code == .resourceExhausted)
    }

    @Test("hundreds of requests on a stream keep their order")
    func longStream() async throws {
        let requests = (0..<300).map { Self.infer(shape: [1], raw: Self.one, id: "\($0)") }
        let (answers, error) = try await DialectPeer().stream(Self.service + "ModelStreamInfer", requests)
        #expect(error == nil && answers.map { $0.message(2).text(3) } == (0..<300).map(String.init))
    }

    @Test("the server and its models describe themselves")
    func describes() async throws {
        let peer = DialectPeer()
        #expect(try await peer.call(Self.service + "ServerLive").number(1) == 1)
        #expect(try await peer.call(Self.service + "ServerReady").number(1) == 1)
        #expect(try await DialectPeer([]).call(Self.service + "ServerReady").number(1) == 0)
        let server = try await peer.call(Self.service + "ServerMetadata")
        #expect(server.text(1) == "martlet" && server.text(2) == "test")
        #expect(server.texts(3).contains("binary_tensor_data") && server.texts(3).contains("model_repository"))
        for (name, version, ready) in [
            ("guard", "", 1), ("guard", "3", 1), ("guard", "4", 0), ("guard", "5", 0), ("absent", "", 0),
        ] as [(String, String, UInt64)] {
            let answer = try await peer.call(Self.service + "ModelReady", [.text(1, name), .text(2, version)])
            #expect(answer.number(1) == ready, "\(name) \(version)")
        }
        let metadata = try await peer.call(Self.service + "ModelMetadata", [.text(1, "guard")])
        #expect(metadata.text(1) == "guard" && metadata.texts(2) == ["1", "3"] && metadata.text(3) == "martlet_bert")
        #expect(metadata.message(4).text(1) == "text" && metadata.message(4).numbers(3) == [-1, 1])
        #expect(metadata.messages(5).map { $0.text(1) } == ["label", "score", "labels", "scores", "logits"])
        #expect(metadata.messages(5)[3].numbers(3) == [-1, 2])
        let vectors = try await peer.call(Self.service + "ModelMetadata", [.text(1, "vectors")])
        #expect(vectors.messages(5).map { $0.numbers(3) } == [[-1, 3]])
        let config = try await peer.call(Self.service + "ModelConfig", [.text(1, "guard")]).message(1)
        #expect(config.text(1) == "guard" && config.number(4) == 256)
        #expect(config.message(5).number(2) == 13 && config.message(5).numbers(4) == [1])
    }

    @Test("statistics are of all, of a model, or of a version")
    func statistics() async throws {
        let peer = DialectPeer()
        let all = try await peer.call(Self.service + "ModelStatistics").messages(1)
        #expect(all.map { $0.text(1) + "/" + $0.text(2) } == ["guard/1", "guard/3", "rank/1", "vectors/2"])
        let one = try await peer.call(Self.service + "ModelStatistics", [.text(1, "guard"), .text(2, "stable")])
        #expect(one.messages(1).map { $0.text(2) } == ["3"])
        let statistics = one.messages(1)[0]
        #expect(statistics.number(3) == 1_700_000_000_000 && statistics.number(4) == 9 && statistics.number(5) == 5)
        let sums = statistics.message(6)
        #expect(sums.message(1).number(1) == 7 && sums.message(1).number(2) == 70_000)
        #expect(sums.message(2).number(1) == 1 && sums.message(3).number(2) == 10_000)
        #expect(sums.message(5).number(1) == 9 && sums.message(5).number(2) == 30_000)
    }

    @Test("the repository is listed, and its models are loaded and unloaded")
    func repository() async throws {
        let peer = DialectPeer()
        let index = try await peer.call(Self.service + "RepositoryIndex").messages(1)
        #expect(index.map { $0.text(3) } == ["READY", "READY", "UNAVAILABLE", "READY", "READY"])
        #expect(index[2].text(4) == "digest mismatch")
        #expect(try await peer.call(Self.service + "RepositoryIndex", [.varint(2, 1)]).messages(1).count == 4)
        _ = try await peer.call(Self.service + "RepositoryModelUnload", [.text(2, "guard")])
        _ = try await peer.call(Self.service + "RepositoryModelLoad", [.text(2, "guard")])
        #expect(peer.engine.loads.withLock { $0 } == ["unload guard", "load guard"])
        let error = await #expect(throws: MartletError.self) {
            try await peer.call(
                Self.service + "RepositoryModelLoad",
                [.text(2, "guard"), .message(3, Self.parameter("config", [.text(3, "{}")]))])
        }
        #expect(error?.code == .invalidArgument && error?.message.contains("parameters.config") == true)
    }
}
