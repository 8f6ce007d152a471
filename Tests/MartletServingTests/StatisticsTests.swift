import MartletCore
import MartletRollout
import MartletServing
import MartletTestSupport
import Testing

@Suite("Statistics of a version")
struct StatisticsTests {
    private func statistics(_ server: InferenceServer, _ name: String = "tiny") async throws -> ModelStatistics {
        try #require(try await server.statistics(named: name, context: CallContext()).first)
    }

    @Test("calls, failures, texts, batches, tokens and times are counted; a document is one call and its windows texts")
    func counts() async throws {
        let folder = try ServedFolder()
        try folder.add("tiny", version: 1, seed: 1)
        let server = try await folder.serve(threads: 1)
        #expect(try await statistics(server) == ModelStatistics(name: "tiny", version: 1))
        _ = try await server.logits(["the good people", "the", "new work"])
        var counted = try await statistics(server)
        #expect(counted.calls == 1 && counted.failures == 0 && counted.texts == 3 && counted.tokens == 5 + 3 + 4)
        #expect((1...3).contains(counted.batches))
        #expect(counted.compute >= counted.batchCompute && counted.batchCompute > .zero && counted.callTime > .zero)
        #expect(counted.lastUsedMilliseconds > 1_700_000_000_000)

        await #expect(throws: MartletError.self) {
            _ = try await server.logits([Array(repeating: "the", count: 100).joined(separator: " ")])
        }
        counted = try await statistics(server)
        #expect(counted.calls == 1 && counted.failures == 1 && counted.texts == 3)

        let events = EventList()
        let text = Array(repeating: "the good people", count: 50).joined(separator: " ")
        try await server.classifyDocument(
            DocumentOptions(model: ModelReference(name: "tiny"), windowTokens: 32),
            document: ChunkedDocument(text, chunkBytes: 64), events: events, context: CallContext())
        counted = try await statistics(server)
        #expect(counted.calls == 2 && counted.texts == 3 + (events.final?.windows ?? 0) && counted.texts > 6)

        // Its tokenizer alone is no use of the model.
        _ = try await server.tokenize(
            TokenizeRequest(model: ModelReference(name: "tiny"), inputs: [TextInput("the")]), context: CallContext())
        #expect(try await statistics(server) == counted)
        await server.shutdown()
    }

    @Test("who has an answer finds its texts counted")
    func countsFirst() async throws {
        let folder = try ServedFolder()
        try folder.add("tiny", version: 1, seed: 1)
        let server = try await folder.serve(threads: 2)
        for round in 1...200 {
            _ = try await server.logits(["the", "new work"])
            #expect(try await statistics(server).texts == 2 * round)
        }
        await server.shutdown()
    }

    @Test("a version counts for itself, in order, and from nothing when it is loaded again")
    func versions() async throws {
        let folder = try ServedFolder()
        try folder.add("tiny", version: 1, seed: 1)
        try folder.add("tiny", version: 2, seed: 2)
        try folder.add("vectors", version: 1, seed: 2) { $0.pooling = "mean_tokens" }
        let server = try await folder.serve { $0.rollouts.defaults.selection = .latest(2) }
        _ = try await server.logits(["the good people"])
        _ = try await server.embed(
            EmbedRequest(model: ModelReference(name: "vectors"), inputs: [.text("the"), .text("the")]),
            context: CallContext())
        let all = try await server.statistics(named: nil, context: CallContext())
        let figures = all.map { "\($0.name)/\($0.version) \($0.calls) \($0.texts)" }
        #expect(figures == ["tiny/1 0 0", "tiny/2 1 1", "vectors/1 1 2"])
        try await server.unloadModel(named: "tiny", context: CallContext())
        #expect(try await server.statistics(named: nil, context: CallContext()).map(\.name) == ["vectors"])
        #expect(try await server.statistics(named: "tiny", context: CallContext()).isEmpty)
        _ = try await server.loadModel(named: "tiny", context: CallContext())
        #expect(try await server.statistics(named: "tiny", context: CallContext()).map(\.calls) == [0, 0])
        await server.shutdown()
    }

    @Test("a thousand calls at once are all counted")
    func concurrent() async throws {
        let folder = try ServedFolder()
        try folder.add("tiny", version: 1, seed: 1)
        let server = try await folder.serve(threads: 3)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<1_000 { group.addTask { _ = try await server.logits(["the good people"]) } }
            try await group.waitForAll()
        }
        let counted = try await statistics(server)
        #expect(counted.calls == 1_000 && counted.texts == 1_000 && counted.tokens == 5_000 && counted.failures == 0)
        await server.shutdown()
    }
}
