import MartletCore
import MartletTransport
import MartletWire
import Testing

struct TEICallsTests {
    @Test("a text and a pair are predicted")
    func predicts() async throws {
        let peer = DialectPeer(["guard"])
        let answer = try await peer.call("/tei.v1.Predict/Predict", [.text(1, "abcdef")])
        #expect(answer.messages(1).map { $0.text(2) } == ["INJECTION", "SAFE"])
        #expect(abs(answer.messages(1)[0].floats(1)[0] - 0.880797) < 1e-5)
        let took = answer.message(2)
        #expect(
            took.number(1) == 6 && took.number(2) == 5 && took.number(3) == 7_000_000 && took.number(6) == 3_000_000)
        let pair = try await peer.call(
            "/tei.v1.Predict/PredictPair", [.text(1, "a"), .text(1, "bc"), .varint(3, 1)])
        #expect(pair.messages(1).map { $0.floats(1).first ?? 0 } == [0, -1])
        let error = await #expect(throws: MartletError.self) {
            try await peer.call("/tei.v1.Predict/PredictPair", [.text(1, "a")])
        }
        #expect(error?.code == .invalidArgument)
    }

    @Test("a long text is an error unless truncate is set")
    func overflow() async throws {
        let peer = DialectPeer(["guard"])
        let long = String(repeating: "x", count: 30)
        let error = await #expect(throws: MartletError.self) {
            try await peer.call("/tei.v1.Predict/Predict", [.text(1, long)])
        }
        #expect(error?.code == .invalidArgument)
        _ = try await peer.call("/tei.v1.Predict/Predict", [.text(1, long), .varint(2, 1), .varint(4, 1)])
        #expect(peer.engine.classified.withLock { $0.last?.request.overflow } == .truncateLeft)
        let unknown = await #expect(throws: MartletError.self) {
            try await peer.call("/tei.v1.Predict/Predict", [.text(1, long), .varint(4, 7)])
        }
        #expect(unknown?.message == "truncation_direction has the unknown value 7")
    }

    @Test("streams answer in the order of their requests, and an error ends them in its place")
    func streams() async throws {
        let texts = (0..<200).map { String(repeating: "x", count: $0 % 19 + 1) }
        let (answers, error) = try await DialectPeer(["vectors"]).stream(
            "/tei.v1.Embed/EmbedStream", texts.map { [.text(1, $0), .varint(3, 0)] })
        #expect(error == nil && answers.map { $0.floats(1).first } == texts.map { Float($0.utf8.count) })
        let (some, end) = try await DialectPeer(["guard"]).stream(
            "/tei.v1.Predict/PredictStream", ["a", "b", "busy", "c"].map { [.text(1, $0)] })
        #expect(some.count == 2 && end?.code == .resourceExhausted)
        let (pairs, none) = try await DialectPeer(["guard"]).stream(
            "/tei.v1.Predict/PredictPairStream", [[.text(1, "a"), .text(1, "b")], [.text(1, "a"), .text(1, "c")]])
        #expect(pairs.count == 2 && none == nil)
    }

    @Test("a text has one vector, or one for each token; sparse ones do not exist")
    func embeds() async throws {
        let peer = DialectPeer(["vectors"])
        let plain = try await peer.call("/tei.v1.Embed/Embed", [.text(1, "ab"), .varint(3, 0), .varint(6, 2)])
        #expect(plain.floats(1) == [2, 2])
        let normal = try await peer.call("/tei.v1.Embed/Embed", [.text(1, "ab")]).floats(1)
        #expect(abs(normal.reduce(0) { $0 + $1 * $1 } - 1) < 1e-6)
        let all = try await peer.call("/tei.v1.Embed/EmbedAll", [.text(1, "ab")])
        #expect(all.messages(1).map { $0.floats(1) } == [[2, 2, 1], [2, 2, 1]])
        let error = await #expect(throws: MartletError.self) {
            try await peer.call("/tei.v1.Embed/EmbedSparse", [.text(1, "ab")])
        }
        #expect(error?.code == .failedPrecondition)
        let prompt = await #expect(throws: MartletError.self) {
            try await peer.call("/tei.v1.Embed/Embed", [.text(1, "ab"), .text(5, "query")])
        }
        #expect(prompt?.message.hasPrefix("prompt_name") == true)
    }

    @Test("texts are ranked from one message or from a stream, by a model of one label only")
    func reranks() async throws {
        let peer = DialectPeer(["rank"])
        let one = try await peer.call(
            "/tei.v1.Rerank/Rerank", [.text(1, "a"), .text(2, "b"), .text(2, "bcd"), .varint(4, 1), .varint(5, 1)])
        #expect(one.messages(1).map { $0.number(1) } == [1, 0] && one.messages(1).map { $0.text(2) } == ["bcd", "b"])
        let (stream, error) = try await peer.stream(
            "/tei.v1.Rerank/RerankStream",
            [[.text(1, "a"), .text(2, "b"), .varint(4, 1)], [.text(1, "a"), .text(2, "bcd")]])
        #expect(error == nil && stream.count == 1 && stream[0].messages(1).map { $0.floats(3).first ?? 0 } == [2, 0])
        let (_, mixed) = try await peer.stream(
            "/tei.v1.Rerank/RerankStream", [[.text(1, "a"), .text(2, "b")], [.text(1, "z"), .text(2, "b")]])
        #expect(mixed?.code == .invalidArgument)
        let wrong = await #expect(throws: MartletError.self) {
            try await DialectPeer(["guard"]).call("/tei.v1.Rerank/Rerank", [.text(1, "a"), .text(2, "b")])
        }
        #expect(wrong?.code == .failedPrecondition)
    }

    @Test("a rerank stream is bounded in texts and in bytes")
    func rerankStreamBounds() async throws {
        var limits = Limits()
        limits.textsPerRequestMax = 4
        limits.messageBytesMax = 4_096
        let peer = DialectPeer(["rank"], limits: limits)
        let (_, many) = try await peer.stream(
            "/tei.v1.Rerank/RerankStream", .init(repeating: [.text(1, "a"), .text(2, "b")], count: 5))
        #expect(many?.code == .invalidArgument)
        let text = String(repeating: "x", count: 2_100)
        let (_, large) = try await peer.stream(
            "/tei.v1.Rerank/RerankStream", .init(repeating: [.text(1, "a"), .text(2, text)], count: 2))
        #expect(large?.code == .resourceExhausted)
    }

    @Test("tokens, texts and the model's facts")
    func tokens() async throws {
        let peer = DialectPeer(["guard"])
        let tokens = try await peer.call("/tei.v1.Tokenize/Tokenize", [.text(1, "héllo you")]).messages(1)
        #expect(
            tokens.map { $0.text(2) } == ["héllo", "you"] && tokens[1].number(4) == 7 && tokens[1].number(5) == 10)
        #expect(try await peer.call("/tei.v1.Tokenize/Decode", [.packed(1, [1, 2])]).text(1) == "1 2")
        let info = try await peer.call("/tei.v1.Info/Info")
        #expect(info.text(4) == "guard" && info.text(5) == "d3" && info.number(7) == 1 && info.number(9) == 512)
        #expect(info.number(12) == 32)
    }

    @Test("the model is the metadata's where several are served")
    func modelChoice() async throws {
        let peer = DialectPeer()
        let answer = try await peer.call(
            "/tei.v1.Predict/Predict", [.text(1, "abcdef")], metadata: ["x-martlet-model": "guard@1"])
        #expect(answer.messages(1).count == 2)
        let error = await #expect(throws: MartletError.self) {
            try await peer.call("/tei.v1.Predict/Predict", [.text(1, "abcdef")])
        }
        #expect(error?.message.contains("x-martlet-model") == true)
    }
}
