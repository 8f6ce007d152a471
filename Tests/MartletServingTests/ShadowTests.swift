import MartletCore
import MartletRollout
import MartletServing
import MartletTestSupport
import Testing

@Suite("Shadows", .timeLimit(.minutes(5)))
struct ShadowTests {
    private func serve(_ folder: ServedFolder, limits: Limits = Limits()) async throws -> InferenceServer {
        try await folder.serve {
            $0.rollouts.defaults.selection = .all
            $0.limits = limits
        }
    }

    private func shadow(_ server: InferenceServer, of name: String = "tiny", percent: Double = 100) async throws {
        let route = ModelRoute(
            targets: [.init(version: 1, weight: 1)], shadow: .init(version: 2, percent: percent))
        try await server.setRoute(route, label: "latest", of: name, context: CallContext())
    }

    @Test("a version of the same weights agrees with every answer, and moves none")
    func same() async throws {
        let folder = try ServedFolder()
        try folder.add("tiny", version: 1, seed: 1)
        try folder.add("tiny", version: 2, seed: 1)
        let server = try await serve(folder)
        try await shadow(server)
        for text in sampleTexts(20) { #expect(try await server.answer(text).version == 1) }
        let comparison = try #require(try await server.compared(copies: 20))
        #expect(comparison.texts == 20 && comparison.agreed == 20 && comparison.failures == 0)
        #expect(comparison.drift[0] == 20 && comparison.driftMax == 0)
        #expect(comparison.callerP50 > .zero && comparison.shadowP99 >= comparison.shadowP50)
        await server.shutdown()
    }

    @Test("another version's answers are compared text by text, also of one call, of long texts and of few labels")
    func other() async throws {
        let folder = try ServedFolder()
        try folder.add("tiny", version: 1, seed: 1)
        try folder.add("tiny", version: 2, seed: 2)
        let server = try await serve(folder)
        let long = Array(repeating: "the good people", count: 100).joined(separator: " ")
        let texts = sampleTexts(15) + [long]
        func results(_ version: Int, topK: Int) async throws -> [TextResult] {
            let model = ModelReference(name: "tiny", selector: .version(version))
            let request = ClassifyRequest(
                model: model, inputs: texts.map { TextInput($0) }, overflow: .window, topK: topK)
            return try await server.classify(request, context: CallContext()).results
        }
        let first = try await results(1, topK: 0), second = try await results(2, topK: 0)
        let agreeing = zip(first, second).count { $0.scores.first?.label == $1.scores.first?.label }
        try await shadow(server)
        let request = ClassifyRequest(
            model: ModelReference(name: "tiny"), inputs: texts.map { TextInput($0) }, overflow: .window, topK: 1)
        _ = try await server.classify(request, context: CallContext())
        let comparison = try #require(try await server.compared(copies: texts.count))
        #expect(comparison.texts == texts.count && comparison.agreed == agreeing && agreeing < texts.count)
        #expect(comparison.driftMax > 0 && comparison.driftMax <= 1)
        #expect(comparison.drift.reduce(0, +) == texts.count)
        // Their calls are the route's, not the shadow's.
        let calls = try await server.statistics(named: "tiny", context: CallContext()).map(\.calls)
        #expect(calls == [2, 1])
        await server.shutdown()
    }

    @Test("vectors are compared by their cosine")
    func vectors() async throws {
        let folder = try ServedFolder()
        for (version, seed) in [(1, 1), (2, 1), (3, 3)] {
            try folder.add("vectors", version: version, seed: UInt64(seed)) { $0.pooling = "mean_tokens" }
        }
        let server = try await serve(folder)
        for (number, agreed) in [(2, 10), (3, 0)] {
            let route = ModelRoute(
                targets: [.init(version: 1, weight: 1)], shadow: .init(version: number, percent: 100))
            try await server.setRoute(route, label: "latest", of: "vectors", context: CallContext())
            let request = EmbedRequest(
                model: ModelReference(name: "vectors"), inputs: sampleTexts(10).map { .text($0) })
            #expect(try await server.embed(request, context: CallContext()).model.version == 1)
            try await until { try await server.comparison(of: "vectors")?.texts == 10 }
            let comparison = try #require(try await server.comparison(of: "vectors"))
            #expect(comparison.version == number && comparison.agreed == agreed)
        }
        await server.shutdown()
    }

    @Test("a copy that the shadow cannot answer is counted, and the caller has its answer all the same")
    func failing() async throws {
        let folder = try ServedFolder()
        try folder.add("tiny", version: 1, seed: 1)
        try folder.add("tiny", version: 2, seed: 2) { $0.maxPositions = 16 }
        let server = try await serve(folder)
        try await shadow(server)
        #expect(try await server.answer(Array(repeating: "the", count: 30).joined(separator: " ")).version == 1)
        #expect(try await server.answer("the").version == 1)
        let comparison = try #require(try await server.compared(copies: 2))
        #expect(comparison.failures == 1 && comparison.texts == 1 && comparison.skipped == 0)
        await server.shutdown()
    }

    @Test("without room for a copy it is skipped")
    func skipped() async throws {
        let folder = try ServedFolder()
        try folder.add("tiny", version: 1, seed: 1)
        try folder.add("tiny", version: 2, seed: 2)
        var limits = Limits()
        limits.shadowCallsMax = 0
        let server = try await serve(folder, limits: limits)
        try await shadow(server)
        for text in sampleTexts(5) { _ = try await server.answer(text) }
        let comparison = try #require(try await server.compared(copies: 5))
        #expect(comparison.skipped == 5 && comparison.texts == 0)
        await server.shutdown()
    }

    @Test("a thousand calls at once have their answers, and their copies are compared or skipped, none lost")
    func many() async throws {
        let folder = try ServedFolder()
        try folder.add("tiny", version: 1, seed: 1)
        try folder.add("tiny", version: 2, seed: 1)
        let server = try await serve(folder)
        try await shadow(server)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for text in sampleTexts(1_000) {
                group.addTask {
                    let version = try await server.answer(text).version
                    #expect(version == 1)
                }
            }
            try await group.waitForAll()
        }
        let comparison = try #require(try await server.compared(copies: 1_000))
        #expect(comparison.texts + comparison.skipped == 1_000 && comparison.failures == 0)
        #expect(comparison.agreed == comparison.texts && comparison.driftMax == 0)
        await server.shutdown()
    }

    @Test("the end of the server gives copies up and waits for no answer of theirs")
    func shutdown() async throws {
        let folder = try ServedFolder()
        try folder.add("tiny", version: 1, seed: 1)
        try folder.add("tiny", version: 2, seed: 1)
        let server = try await serve(folder)
        try await shadow(server)
        for text in sampleTexts(50) { _ = try await server.answer(text) }
        await server.shutdown()
        #expect(server.statuses().allSatisfy { $0.leases == 0 })
    }
}

@Suite("Comparing answers")
struct AnswerComparisonTests {
    private func answer(_ scores: [(String, Float)]) -> ClassifyAnswer {
        let scores = scores.enumerated().map { LabelScore(label: $1.0, index: $0, score: $1.1) }
        return ClassifyAnswer(
            model: ModelIdentity(name: "m", version: 1, digest: ""),
            results: [TextResult(scores: scores, tokensRead: 1, tokensTotal: 1)])
    }

    @Test("labels are compared by name, whatever their order and number")
    func labels() {
        let cases: [([(String, Float)], [(String, Float)], Bool, Double)] = [
            ([("A", 0.75), ("B", 0.25)], [("A", 0.75), ("B", 0.25)], true, 0),
            ([("A", 0.75), ("B", 0.25)], [("A", 0.5), ("B", 0.5)], true, 0.25),
            ([("A", 0.75), ("B", 0.25)], [("B", 0.75), ("A", 0.25)], false, 0.5),
            ([("A", 0.75)], [("C", 0.9), ("D", 0.1)], false, 0.75),
            ([("A", 0.75)], [("A", 0.5), ("B", 0.3), ("C", 0.2)], true, 0.25),
            ([], [], true, 0),
        ]
        for (caller, copy, agrees, drift) in cases {
            let found = AnswerComparison.compare(answer(caller), answer(copy))
            #expect(found.count == 1 && found[0].agrees == agrees && abs(found[0].drift - drift) < 1e-6)
        }
    }

    @Test("vectors agree from a cosine of 0.99; another width or no length is as far as can be")
    func vectors() {
        let cases: [([Float], [Float], Bool, Double)] = [
            ([1, 0], [2, 0], true, 0), ([1, 0], [0, 1], false, 1), ([1, 0], [-1, 0], false, 2),
            ([1, 0], [1, 0, 0], false, 1), ([0, 0], [0, 0], true, 0), ([1, 0], [0, 0], false, 1),
        ]
        for (caller, copy, agrees, drift) in cases {
            func answer(_ values: [Float]) -> EmbedAnswer {
                EmbedAnswer(
                    model: ModelIdentity(name: "m", version: 1, digest: ""),
                    results: [EmbedResult(values: values, rows: 1, tokensRead: 1, tokensTotal: 1, truncated: false)],
                    timing: CallTiming())
            }
            let found = AnswerComparison.compare(answer(caller), answer(copy))
            #expect(found.count == 1 && found[0].agrees == agrees && abs(found[0].drift - drift) < 1e-6)
        }
    }
}
