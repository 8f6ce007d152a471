import MartletClient
import MartletCore
import MartletTransport
import MartletWire
import Testing

@Suite("Every call of martlet.v1 over real sockets", .timeLimit(.minutes(5)))
struct CallsTests {
    @Test("vectors and tokens go there and back")
    func tokens() async throws {
        try await TestServer.with { test in
            let client = try await MartletClient.connect(to: test.unix)
            let model = ModelReference(name: "echo")
            let vectors = try await client.embed(EmbedRequest(model: model, inputs: [.text("Grüße"), .tokens([1, 2])]))
            #expect(vectors.results.map(\.values) == [[7, 5], [2, 0]])
            let tokens = try await client.tokenize(TokenizeRequest(model: model, inputs: [TextInput("a bc")]))
            #expect(tokens.results.first?.map(\.text) == ["a", "bc"])
            #expect(tokens.results.first?.last?.span?.byteStart == 2)
            let texts = try await client.detokenize(DetokenizeRequest(model: model, sequences: [[1, 2], []]))
            #expect(texts.texts == ["1 2", ""])
        }
    }

    @Test("models are loaded, unloaded and labelled, and their failures come back")
    func management() async throws {
        try await TestServer.with { test in
            let client = try await MartletClient.connect(to: test.unix)
            #expect(try await client.loadModel(named: "echo") == [FakeHandler.status])
            #expect(await failure { _ = try await client.loadModel(named: "other") }?.code == .notFound)
            try await client.unloadModel(named: "echo")
            #expect(await failure { try await client.unloadModel(named: "other") }?.code == .notFound)
            try await client.setLabel("stable", of: "echo", to: 1)
            try await client.setLabel("stable", of: "echo", to: nil)
            let error = await failure { try await client.setLabel("latest", of: "echo", to: 1) }
            #expect(error?.code == .invalidArgument)
        }
    }

    @Test("the server tells what it has done and what it is")
    func server() async throws {
        var limits = Limits()
        limits.textsPerRequestMax = 77
        try await TestServer.with(limits: limits) { test in
            let client = try await MartletClient.connect(to: test.unix)
            #expect(try await client.statistics().map(\.texts) == [9])
            let status = try await client.serverStatus()
            #expect(status.software == "martlet/test" && status.isReady)
            #expect(status.facts == test.handler.facts)
            #expect(status.textsPerRequestMax == 77 && status.messageBytesMax == 4 << 20)
        }
    }

    @Test("a watch tells what is served, and ends when the server drains, which does not wait for it")
    func watch() async throws {
        try await TestServer.with { test in
            let client = try await MartletClient.connect(to: test.unix)
            var states: [[ModelStatus]] = []
            let error = await failure {
                for try await models in client.watchModels(named: "echo") {
                    states.append(models)
                    // In a task: the drain waits for the watch, which goes on here.
                    Task { #expect(await test.server.drain(within: .seconds(30)) == 0) }
                }
            }
            #expect(states == [[FakeHandler.status]])
            #expect(error?.code == .unavailable)
        }
    }

    @Test("a watch of a client that leaves ends")
    func leftWatch() async throws {
        try await TestServer.with { test in
            let client = try await MartletClient.connect(to: test.unix)
            do {
                for try await models in client.watchModels() {
                    #expect(models == [FakeHandler.status])
                    break
                }
            }
            await client.close()
            await test.server.untilUnused()
        }
    }

    @Test("every kind of call goes by name and bytes too")
    func messages() async throws {
        try await TestServer.with { test in
            let client = try await MartletClient.connect(to: test.unix)
            let codec = MessageCodec(arenaBytesMax: 1 << 20)
            let bytes = codec.encode(request("echo", "good day"))
            let answer = try await client.unary(Method.classify.path, bytes)
            #expect(try codec.decodeClassifyAnswer(answer) == FakeHandler.answer("good day"))

            let watch = codec.encodeWatchModelsRequest(named: "echo")
            for try await message in client.serverStream(Method.watchModels.path, watch) {
                #expect(try codec.decodeListModelsResponse(message) == [FakeHandler.status])
                break
            }

            // A method of many answers, asked for one: more than one is the server's fault.
            let chunks = Messages([codec.encode(DocumentChunk(options: DocumentStreamTests.options("echo"), data: []))])
            let one = try await client.clientStream(Method.classifyDocument.path, chunks)
            #expect(try codec.decodeDocumentEvent(one) == FakeHandler.verdict(windows: 0, bytes: 0))
            let two = Messages([
                codec.encode(DocumentChunk(options: DocumentStreamTests.options("echo"), data: [0x61])),
            ])
            let tooMany = await failure { _ = try await client.clientStream(Method.classifyDocument.path, two) }
            #expect(tooMany?.code == .internalError)
            let none = await failure { _ = try await client.unary("/martlet.v1.InferenceService/Nothing", []) }
            #expect(none?.code == .unimplemented)
        }
    }

    private typealias Method = MartletWire.Method
}
