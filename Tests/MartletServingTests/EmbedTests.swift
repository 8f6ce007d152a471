import MartletCore
import MartletServing
import MartletTestSupport
import Testing

@Suite("Embedding texts")
struct EmbedTests {
    private static let reference = ModelReference(name: "vectors")

    private func served(
        pooling: String = "mean_tokens", threads: Int = 2, change: (inout EngineConfiguration) -> Void = { _ in }
    ) async throws -> (folder: ServedFolder, server: InferenceServer) {
        let folder = try ServedFolder()
        try folder.add("vectors", version: 1, seed: 3) { $0.pooling = pooling }
        return (folder, try await folder.serve(threads: threads, change: change))
    }

    private func embed(
        _ inputs: [EmbedInput], on server: InferenceServer, _ edit: (inout EmbedRequest) -> Void = { _ in }
    ) async throws -> [EmbedResult] {
        var request = EmbedRequest(model: Self.reference, inputs: inputs)
        edit(&request)
        return try await server.embed(request, context: CallContext()).results
    }

    private func length(_ vector: some Sequence<Float>) -> Double {
        vector.reduce(0) { $0 + Double($1) * Double($1) }.squareRoot()
    }

    @Test(
        "a text's vector and its tokens' vectors have the same bits alone, in any company and on any number of threads",
        arguments: ["mean_tokens", "cls_token"])
    func invariance(pooling: String) async throws {
        let (folder, one) = try await served(pooling: pooling, threads: 1)
        let texts = sampleTexts(60).map { EmbedInput.text($0) }
        var alone: [EmbedResult] = [], rowsAlone: [EmbedResult] = []
        for text in texts {
            alone += try await embed([text], on: one)
            rowsAlone += try await embed([text], on: one) { $0.perToken = true }
        }
        #expect(Set(alone.map(\.values.description)).count > 30, "the texts must not all have one answer")
        #expect(try await embed(texts, on: one) == alone)
        await one.shutdown()
        let (truth, rowTruth) = (alone, rowsAlone)
        let server = try await folder.serve(threads: 3) { $0.limits.batchTokensMax = 96 }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for (index, text) in texts.enumerated() {
                group.addTask {
                    let answer = try await embed([text], on: server)
                    #expect(answer == [truth[index]])
                }
                group.addTask {
                    let answer = try await embed([text], on: server) { $0.perToken = true }
                    #expect(answer == [rowTruth[index]])
                }
            }
            group.addTask {
                let answers = try await embed(texts.reversed(), on: server)
                #expect(answers == truth.reversed())
            }
            try await group.waitForAll()
        }
        await server.shutdown()
    }

    @Test("vectors have length 1 unless asked otherwise, and the first dimensions are normalised again")
    func form() async throws {
        let (_, server) = try await served()
        let text = [EmbedInput.text("the good people of the world")]
        let whole = try await embed(text, on: server)[0]
        #expect(whole.values.count == 64 && whole.rows == 1 && abs(length(whole.values) - 1) < 1e-5)
        #expect(whole.tokensRead == 8 && whole.tokensTotal == 8 && !whole.truncated)
        let raw = try await embed(text, on: server) { $0.normalize = false }[0]
        let scale = Float(length(raw.values))
        #expect(scale > 1.5 || scale < 0.7)
        #expect(zip(raw.values, whole.values).allSatisfy { abs($0 / scale - $1) < 1e-5 })
        let short = try await embed(text, on: server) { $0.dimensions = 16 }[0]
        #expect(short.values.count == 16 && abs(length(short.values) - 1) < 1e-5)
        let start = Float(length(raw.values.prefix(16)))
        #expect(zip(raw.values, short.values).allSatisfy { abs($0 / start - $1) < 1e-5 })
        let cut = try await embed(text, on: server) {
            $0.dimensions = 16
            $0.normalize = false
        }[0]
        #expect(cut.values == Array(raw.values.prefix(16)))
        await server.shutdown()
    }

    @Test("a vector for every token, whose mean or first is the text's")
    func perToken() async throws {
        for pooling in ["mean_tokens", "cls_token"] {
            let (_, server) = try await served(pooling: pooling)
            let text = [EmbedInput.text("the good people")]
            let rows = try await embed(text, on: server) {
                $0.perToken = true
                $0.normalize = false
            }[0]
            let pooled = try await embed(text, on: server) { $0.normalize = false }[0]
            #expect(rows.rows == 5 && rows.values.count == 5 * 64 && rows.tokensRead == 5)
            for column in 0..<64 {
                let values = (0..<5).map { rows.values[$0 * 64 + column] }
                let wanted = pooling == "cls_token" ? values[0] : values.reduce(0, +) / 5
                #expect(abs(wanted - pooled.values[column]) < 1e-5)
            }
            let short = try await embed(text, on: server) {
                $0.perToken = true
                $0.dimensions = 8
            }[0]
            #expect(short.values.count == 40)
            for row in 0..<5 { #expect(abs(length(short.values[row * 8..<row * 8 + 8]) - 1) < 1e-5) }
            await server.shutdown()
        }
    }

    @Test("token ids give what their text gives, also when they are cut")
    func tokens() async throws {
        let (_, server) = try await served()
        let text = sampleTexts(1, wordsMax: 20)[0]
        let request = TokenizeRequest(model: Self.reference, inputs: [TextInput(text)], addSpecialTokens: false)
        let ids = try await server.tokenize(request, context: CallContext()).results[0].map(\.id)
        let byText = try await embed([.text(text)], on: server)
        #expect(try await embed([.tokens(ids)], on: server) == byText)
        let long = Array(repeating: ids, count: 30).flatMap { $0 }
        let longText = Array(repeating: text, count: 30).joined(separator: " ")
        for side in [OverflowPolicy.truncateLeft, .truncateRight] {
            let cut = try await embed([.tokens(long)], on: server) { $0.overflow = side }
            #expect(cut == (try await embed([.text(longText)], on: server) { $0.overflow = side }))
            #expect(cut[0].truncated && cut[0].tokensRead == 64 && cut[0].tokensTotal == long.count + 2)
        }
        await server.shutdown()
    }

    @Test("bad requests are refused with the field, the limit and the way out")
    func refusals() async throws {
        let (folder, server) = try await served { $0.limits.textsPerRequestMax = 4 }
        try folder.add("tiny", version: 1, seed: 1)
        try await server.refresh()
        let good = EmbedInput.text("the good people")
        let long = EmbedInput.text(Array(repeating: "the good people", count: 40).joined(separator: " "))
        typealias Case = (
            inputs: [EmbedInput], edit: (inout EmbedRequest) -> Void, code: MartletError.Code, words: String
        )
        let cases: [Case] = [
            ([], { _ in }, .invalidArgument, "inputs is empty"),
            (Array(repeating: good, count: 5), { _ in }, .invalidArgument, "4 is the limit (textsPerRequestMax)"),
            ([good, .text("")], { _ in }, .invalidArgument, "inputs[1].text is empty"),
            ([.tokens([])], { _ in }, .invalidArgument, "inputs[0].token_ids is empty"),
            ([good, .tokens([5, 6, 99_999])], { _ in }, .invalidArgument, "inputs[1].token_ids[2] is 99999"),
            ([.tokens([-1])], { _ in }, .invalidArgument, "inputs[0].token_ids[0] is -1"),
            ([.tokens([.min, .max])], { _ in }, .invalidArgument, "inputs[0].token_ids[0]"),
            ([good, long], { _ in }, .invalidArgument, "inputs[1] has 122 tokens and 64 is the model's limit"),
            ([good, long], { $0.perToken = true }, .invalidArgument, "inputs[1] has 122 tokens"),
            ([good], { $0.overflow = .window }, .invalidArgument, "overflow is window"),
            ([good], { $0.dimensions = 65 }, .invalidArgument, "ask for 1 to 64, or 0 for all"),
            ([good], { $0.dimensions = -1 }, .invalidArgument, "dimensions is -1"),
            ([good], { $0.dimensions = .max }, .invalidArgument, "vectors of model vectors have 64 values"),
            ([good], { $0.model.name = "absent" }, .notFound, "no model absent"),
            ([good], { $0.model.name = "../etc" }, .invalidArgument, "model.name is not"),
            ([good], { $0.model.name = "tiny" }, .failedPrecondition, "model tiny is for text-classification"),
        ]
        for (inputs, edit, code, words) in cases {
            let error = await #expect(throws: MartletError.self) { try await embed(inputs, on: server, edit) }
            #expect(error?.code == code, "\(words): \(String(describing: error))")
            #expect(error?.message.contains(words) == true, "\(String(describing: error))")
        }
        let classify = ClassifyRequest(model: Self.reference, inputs: [TextInput("the")])
        let error = await #expect(throws: MartletError.self) {
            try await server.classify(classify, context: CallContext())
        }
        #expect(error?.code == .failedPrecondition && error?.message.contains("is for feature-extraction") == true)
        #expect(error?.message.contains("call Embed") == true)
        let document = await #expect(throws: MartletError.self) {
            try await server.classifyDocument(
                DocumentOptions(model: Self.reference), document: ChunkedDocument("the", chunkBytes: 3),
                events: EventList(), context: CallContext())
        }
        #expect(document?.code == .failedPrecondition)
        await server.shutdown()
    }

    @Test("an answer that no message can hold is refused with the numbers, before anything is computed")
    func answerSize() async throws {
        // Room for 64 vectors of 64 floats, 64 texts' counts and the version's name.
        let (_, server) = try await served {
            $0.limits.messageBytesMax = 64 * (64 * 4 + 32) + 512
            $0.limits.textBytesMax = 8 << 10
        }
        let text = EmbedInput.text("the good people of the world")
        #expect(try await embed(Array(repeating: text, count: 64), on: server).count == 64)
        let many = await #expect(throws: MartletError.self) {
            try await embed(Array(repeating: text, count: 65), on: server)
        }
        let numbers = "65 vectors of 64 values, about 19232 bytes, and 18944 is the limit (messageBytesMax)"
        #expect(many?.message.contains(numbers) == true)
        #expect(try await embed(Array(repeating: text, count: 65), on: server) { $0.dimensions = 32 }.count == 65)
        #expect(try await embed(Array(repeating: text, count: 8), on: server) { $0.perToken = true }.count == 8)
        let before = try await server.statistics(named: "vectors", context: CallContext())[0].texts
        let rows = await #expect(throws: MartletError.self) {
            try await embed(Array(repeating: text, count: 9), on: server) { $0.perToken = true }
        }
        #expect(rows?.message.contains("72 vectors of 64 values") == true)
        #expect(try await server.statistics(named: "vectors", context: CallContext())[0].texts == before)
        await server.shutdown()
    }

    @Test("the status of a version tells task, width, vocabulary, architecture and precision")
    func status() async throws {
        let (folder, server) = try await served()
        try folder.add("tiny", version: 1, seed: 1)
        try await server.refresh()
        let statuses = server.statuses()
        #expect(statuses.map(\.task) == ["text-classification", "feature-extraction"])
        #expect(statuses.map(\.problemType) == ["single_label_classification", ""])
        #expect(statuses.map(\.dimensions) == [0, 64])
        #expect(statuses.map(\.vocabularySize) == Array(repeating: TinyModelFolder(seed: 1).vocabulary.count, count: 2))
        #expect(statuses.map(\.architecture) == ["bert", "bert"])
        #expect(statuses.map(\.precision) == ["int8", "int8"])
        #expect(statuses.map(\.classLabels.count) == [2, 0])
        await server.shutdown()
    }

    @Test("a deadline that has passed and a cancelled task get their codes")
    func deadlines() async throws {
        let (_, server) = try await served()
        for perToken in [false, true] {
            let request = EmbedRequest(model: Self.reference, inputs: [.text("the")], perToken: perToken)
            let late = await #expect(throws: MartletError.self) {
                try await server.embed(request, context: CallContext(deadline: .after(.seconds(-1))))
            }
            #expect(late?.code == .deadlineExceeded)
            let task = Task {
                withUnsafeCurrentTask { $0?.cancel() }
                return try await server.embed(request, context: CallContext())
            }
            let cancelled = await #expect(throws: MartletError.self) { try await task.value }
            #expect(cancelled?.code == .cancelled)
        }
        await server.shutdown()
    }
}
