import MartletCore
import MartletServing
import MartletTestSupport
import Testing

@Suite("Classifying texts")
struct ClassifyTests {
    @Test("a text has the same bits alone, in any company, in any order and on any number of threads")
    func invariance() async throws {
        let folder = try ServedFolder()
        try folder.add("tiny", version: 1, seed: 1)
        let texts = sampleTexts(120)
        let one = try await folder.serve(threads: 1)
        var alone: [[Float]] = []
        for text in texts { alone.append(contentsOf: try await one.logits([text])) }
        #expect(Set(alone.map(\.description)).count > 60, "the texts must not all have one answer")
        #expect(try await one.logits(texts) == alone)
        await one.shutdown()
        for threads in [2, 3] {
            let server = try await folder.serve(threads: threads) { $0.limits.batchTokensMax = 96 }
            #expect(try await server.logits(texts.reversed()) == alone.reversed())
            let concurrent = try await withThrowingTaskGroup(of: (Int, [Float]).self) { group in
                for (index, text) in texts.enumerated() {
                    group.addTask { (index, try await server.logits([text])[0]) }
                }
                var answers = Array(repeating: [Float](), count: texts.count)
                for try await (index, logits) in group { answers[index] = logits }
                return answers
            }
            #expect(concurrent == alone)
            await server.shutdown()
        }
    }

    @Test("an answer names its version and digest, ranks its labels and counts its tokens")
    func answer() async throws {
        let folder = try ServedFolder()
        try folder.add("tiny", version: 3, seed: 1)
        let server = try await folder.serve()
        let request = ClassifyRequest(
            model: ModelReference(name: "tiny"),
            inputs: [TextInput("the good people"), TextInput("new work", pair: "old work")],
            topK: 1)
        let answer = try await server.classify(request, context: CallContext())
        #expect(answer.model.name == "tiny" && answer.model.version == 3 && answer.model.digest.count == 64)
        #expect(answer.results.count == 2)
        #expect(answer.results.map(\.tokensTotal) == [5, 7] && answer.results.allSatisfy { !$0.truncated })
        #expect(answer.results.allSatisfy { $0.scores.count == 1 && $0.scores[0].score >= 0.5 && $0.logits.isEmpty })
        await server.shutdown()
    }

    @Test(
        "a text over the model's length is refused, cut on the side asked for, or read by windows; never cut silently")
    func overflow() async throws {
        let folder = try ServedFolder()
        try folder.add("tiny", version: 1, seed: 1)
        let server = try await folder.serve()
        let words = Array(repeating: "the good people of the world", count: 40).joined(separator: " ")
        func result(_ policy: OverflowPolicy, _ text: String) async throws -> TextResult {
            let request = ClassifyRequest(
                model: ModelReference(name: "tiny"), inputs: [TextInput("short"), TextInput(text)], overflow: policy,
                returnLogits: true)
            return try await server.classify(request, context: CallContext()).results[1]
        }
        let error = await #expect(throws: MartletError.self) { try await result(.error, words) }
        #expect(error?.code == .invalidArgument)
        #expect(
            error?.message.contains("inputs[1]") == true && error?.message.contains("242") == true
                && error?.message.contains("64") == true)

        let right = try await result(.truncateRight, words + " injection")
        #expect(right.truncated && right.tokensRead == 64 && right.tokensTotal > 242)
        #expect(try await result(.truncateRight, words).logits == right.logits)
        let left = try await result(.truncateLeft, "instructions " + words)
        #expect(try await result(.truncateLeft, words).logits == left.logits)
        let windows = try await result(.window, words)
        #expect(!windows.truncated && windows.windows > 3 && windows.tokensRead == 242 && windows.tokensTotal == 242)
        await server.shutdown()
    }

    @Test(
        "a million bytes without a space are one unknown word, in every overflow policy",
        arguments: OverflowPolicy.allCases)
    func noSpace(policy: OverflowPolicy) async throws {
        let folder = try ServedFolder()
        try folder.add("tiny", version: 1, seed: 1)
        let server = try await folder.serve()
        let text = String(repeating: "a", count: 1 << 20)
        let request = ClassifyRequest(model: ModelReference(name: "tiny"), inputs: [TextInput(text)], overflow: policy)
        let result = try await server.classify(request, context: CallContext()).results[0]
        #expect(result.tokensTotal == 3 && !result.truncated)
        await server.shutdown()
    }

    @Test("bad requests are refused with the field, the limit and the way out")
    func badRequests() async throws {
        let folder = try ServedFolder()
        try folder.add("tiny", version: 1, seed: 1)
        let server = try await folder.serve { $0.limits.textsPerRequestMax = 4 }
        func error(_ model: String, _ inputs: [TextInput]) async -> MartletError? {
            do throws(MartletError) {
                let reference = ModelReference(parsing: model) ?? ModelReference(name: model)
                _ = try await server.classify(ClassifyRequest(model: reference, inputs: inputs), context: CallContext())
                return nil
            } catch {
                return error
            }
        }
        let text = [TextInput("the good people")]
        for (model, inputs, code, words) in [
            ("tiny", [], .invalidArgument, "inputs is empty"),
            ("tiny", [TextInput("")], .invalidArgument, "inputs[0].text is empty"),
            ("tiny", Array(repeating: text[0], count: 5), .invalidArgument, "4 is the limit"),
            ("tiny", [TextInput(String(repeating: "a ", count: 600_000))], .invalidArgument, "send it as a document"),
            ("", text, .invalidArgument, "model.name is empty"),
            ("../etc", text, .invalidArgument, "model.name is not"),
            ("absent", text, .notFound, "no model absent"),
            ("tiny@7", text, .notFound, "1"),
            ("tiny:stable", text, .notFound, "latest"),
        ] as [(String, [TextInput], MartletError.Code, String)] {
            let error = await error(model, inputs)
            #expect(error?.code == code, "\(model): \(String(describing: error))")
            #expect(error?.message.contains(words) == true, "\(model): \(String(describing: error))")
        }
        #expect(await error("tiny", text) == nil)
        #expect(await error("tiny@1", text) == nil)
        #expect(await error("tiny:latest", text) == nil)
        await server.shutdown()
    }

    @Test("what a model is too small for is refused by itself, before it can fail the batch it is in")
    func tooSmallModel() async throws {
        let folder = try ServedFolder()
        try folder.add("tiny", version: 1, seed: 1) { $0.maxPositions = 2 }
        let server = try await folder.serve()
        let request = ClassifyRequest(
            model: ModelReference(name: "tiny"), inputs: [TextInput("the"), TextInput("the", pair: "good")],
            overflow: .truncateRight)
        let error = await #expect(throws: MartletError.self) {
            try await server.classify(request, context: CallContext())
        }
        #expect(error?.code == .invalidArgument && error?.message.contains("inputs[1]") == true)
        #expect(try await server.logits(["the"], overflow: .truncateRight).count == 1)
        await server.shutdown()
    }

    @Test("a deadline that has passed and a cancelled task get their codes, and the work is not done for them")
    func deadlines() async throws {
        let folder = try ServedFolder()
        try folder.add("tiny", version: 1, seed: 1)
        let server = try await folder.serve()
        let request = ClassifyRequest(model: ModelReference(name: "tiny"), inputs: [TextInput("the good people")])
        let late = await #expect(throws: MartletError.self) {
            try await server.classify(request, context: CallContext(deadline: .after(.seconds(-1))))
        }
        #expect(late?.code == .deadlineExceeded)
        let task = Task {
            withUnsafeCurrentTask { $0?.cancel() }
            return try await server.classify(request, context: CallContext())
        }
        let cancelled = await #expect(throws: MartletError.self) { try await task.value }
        #expect(cancelled?.code == .cancelled)
        await server.shutdown()
    }

    @Test("a request larger than the queue is refused, and the next is answered")
    func overload() async throws {
        let folder = try ServedFolder()
        try folder.add("tiny", version: 1, seed: 1)
        let server = try await folder.serve(threads: 1) {
            $0.limits.batchTokensMax = 64
            $0.limits.queueTokensMax = 128
        }
        let request = ClassifyRequest(
            model: ModelReference(name: "tiny"),
            inputs: Array(repeating: TextInput("the good people of the world"), count: 40))
        let error = await #expect(throws: MartletError.self) {
            try await server.classify(request, context: CallContext())
        }
        #expect(error?.code == .resourceExhausted)
        #expect(try await server.logits(["the good people"]).count == 1)
        await server.shutdown()
    }
}
