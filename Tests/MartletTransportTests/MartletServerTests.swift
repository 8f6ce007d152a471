import MartletClient
import MartletCore
import Testing

@Suite("A native server and a client over real sockets", .timeLimit(.minutes(5)))
struct MartletServerTests {
    @Test("answers every kind of unary call over TCP and over a Unix socket")
    func unaryCalls() async throws {
        try await TestServer.with { test in
            for address in [test.tcp, test.unix] {
                let client = try await MartletClient.connect(to: address)
                let answer = try await client.classify(request("echo", "good day"))
                #expect(answer == FakeHandler.answer("good day"))
                #expect(try await client.listModels().map(\.name) == ["all"])
                #expect(try await client.listModels(named: "guard").map(\.name) == ["guard"])
                #expect(try await client.model(ModelReference(name: "guard")).version == 7)
                #expect(try await client.ping() > .zero)
                await client.close()
            }
        }
    }

    @Test("100 calls on one connection are answered as they are ready, not as they came")
    func interleaved() async throws {
        try await TestServer.with { test in
            let client = try await MartletClient.connect(to: test.tcp)
            try await withThrowingTaskGroup(of: Void.self) { group in
                for number in 0..<50 {
                    group.addTask {
                        let answer = try await client.classify(request("hold", "held \(number)"))
                        #expect(answer == FakeHandler.answer("held \(number)"))
                    }
                }
                await test.handler.until { $0.running == 50 }
                for number in 0..<50 {
                    let answer = try await client.classify(request("echo", "\(number)"))
                    #expect(answer == FakeHandler.answer("\(number)"))
                }
                #expect(test.handler.progress.running == 50)
                test.handler.release()
                try await group.waitForAll()
            }
        }
    }

    @Test("calls above the server's limit wait in the client until there is room")
    func waitsForRoom() async throws {
        var limits = Limits()
        limits.callsPerConnectionMax = 3
        try await TestServer.with(limits: limits) { test in
            let client = try await MartletClient.connect(to: test.unix)
            try await withThrowingTaskGroup(of: Void.self) { group in
                for number in 0..<200 {
                    group.addTask {
                        let answer = try await client.classify(request("echo", "\(number)"), timeout: .seconds(30))
                        #expect(answer == FakeHandler.answer("\(number)"))
                    }
                }
                try await group.waitForAll()
            }
        }
    }

    @Test("a deadline ends the call for the client and stops the handler; the connection goes on")
    func deadline() async throws {
        try await TestServer.with { test in
            let client = try await MartletClient.connect(to: test.tcp)
            let error = await failure { _ = try await client.classify(request("hold"), timeout: .milliseconds(30)) }
            #expect(error?.code == .deadlineExceeded)
            await test.handler.until { $0.cancelled == 1 && $0.running == 0 }
            #expect(try await client.classify(request("echo"), timeout: .seconds(30)) == FakeHandler.answer("hello"))
        }
    }

    @Test("cancelling the task that waits stops the handler")
    func cancellation() async throws {
        try await TestServer.with { test in
            let client = try await MartletClient.connect(to: test.tcp)
            let call = Task { try await client.classify(request("hold")) }
            await test.handler.until { $0.running == 1 }
            call.cancel()
            #expect(await failure { _ = try await call.value }?.code == .cancelled)
            await test.handler.until { $0.cancelled == 1 && $0.running == 0 }
            let early = Task {
                withUnsafeCurrentTask { $0?.cancel() }
                return try await client.classify(request("echo"))
            }
            #expect(await failure { _ = try await early.value }?.code == .cancelled)
        }
    }

    @Test("a client that goes away stops its handlers, and nothing of its calls is left")
    func disconnect() async throws {
        try await TestServer.with { test in
            let client = try await MartletClient.connect(to: test.unix)
            let call = Task { try await client.classify(request("hold")) }
            await test.handler.until { $0.running == 1 }
            await client.close()
            #expect(await failure { _ = try await call.value }?.code == .cancelled)
            await test.handler.until { $0.cancelled == 1 && $0.running == 0 }
            await test.server.untilUnused()
            #expect(test.server.openConnections == 0 && test.server.runningTasks == 0)
            #expect(await failure { _ = try await client.classify(request("echo")) }?.code == .cancelled)
        }
    }

    @Test("the last reference to a client closes its connection")
    func letGo() async throws {
        try await TestServer.with { test in
            do { _ = try await MartletClient.connect(to: test.unix) }
            await test.server.untilUnused()
            #expect(test.server.openConnections == 0)
        }
    }

    @Test("an error arrives with its code, message and retry hint, and without its cause")
    func errors() async throws {
        try await TestServer.with { test in
            let client = try await MartletClient.connect(to: test.tcp)
            let error = await failure { _ = try await client.classify(request("fail")) }
            #expect(error?.code == .failedPrecondition && error?.message == "not today")
            #expect(error?.retryAfter == .milliseconds(250) && error?.cause == nil)
            #expect(await failure { _ = try await client.model(ModelReference(name: "missing")) }?.code == .notFound)
        }
    }

    @Test("large requests and answers arrive, compressed or not; an answer over the client's limit is refused")
    func largeMessages() async throws {
        try await TestServer.with(compressesAnswers: true) { test in
            for compression in [false, true] {
                var options = ClientOptions()
                options.compression = compression
                options.messageBytesMax = 2 << 20
                let client = try await MartletClient.connect(to: test.tcp, options: options)
                let text = String(repeating: "long text ", count: 100_000)
                #expect(try await client.classify(request("echo", text)) == FakeHandler.answer(text))
                let error = await failure { _ = try await client.classify(request("big", "3000000")) }
                #expect(error?.code == .resourceExhausted)
                let huge = String(repeating: "x", count: 5 << 20)
                #expect(
                    await failure { _ = try await client.classify(request("echo", huge)) }?.code == .resourceExhausted)
                #expect(try await client.classify(request("echo")) == FakeHandler.answer("hello"))
            }
        }
    }

    @Test("answers a document window by window and ends with the verdict")
    func document() async throws {
        try await TestServer.with { test in
            let client = try await MartletClient.connect(to: test.tcp)
            let chunks = AsyncStream { continuation in
                for size in [10, 200, 3_000] { continuation.yield([UInt8](repeating: 0x61, count: size)) }
                continuation.finish()
            }
            var events: [DocumentEvent] = []
            let options = DocumentOptions(model: ModelReference(name: "echo"))
            for try await event in client.classifyDocument(options, chunks: chunks) { events.append(event) }
            #expect(
                events == [
                    FakeHandler.window(0, bytes: 10), FakeHandler.window(1, bytes: 200),
                    FakeHandler.window(2, bytes: 3_000), FakeHandler.verdict(windows: 3, bytes: 3_210),
                ])
        }
    }
}
