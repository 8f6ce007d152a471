import MartletClient
import MartletCore
import MartletTransport
import MartletWire
import Synchronization
import Testing

@Suite("Streams of requests over real sockets", .timeLimit(.minutes(5)))
struct ClassifyStreamTests {
    /// Requests for the models named, with their place as id; counted as they are taken.
    struct Requests: AsyncSequence, Sendable {
        final class Count: Sendable {
            private let taken = Mutex(0)
            var value: Int { taken.withLock { $0 } }
            func add() { taken.withLock { $0 += 1 } }
        }

        let models: [String]
        var text = "hello"
        let count = Count()

        struct Iterator: AsyncIteratorProtocol {
            let source: Requests
            var place = 0

            mutating func next() async -> ClassifyStreamRequest? {
                guard place < source.models.count else { return nil }
                defer { place += 1 }
                source.count.add()
                return ClassifyStreamRequest(id: "\(place)", request: request(source.models[place], source.text))
            }
        }

        func makeAsyncIterator() -> Iterator { Iterator(source: self) }
    }

    @Test("answers come in the order of the requests although the first takes longest")
    func ordered() async throws {
        try await TestServer.with { test in
            let client = try await MartletClient.connect(to: test.unix)
            let answers = client.classifyStream(Requests(models: ["hold"] + Array(repeating: "echo", count: 500)))
            await test.handler.until { $0.started == 64 && $0.running == 1 }
            test.handler.release()
            var place = 0
            for try await answer in answers {
                #expect(answer.id == "\(place)")
                #expect(try answer.outcome.get() == FakeHandler.answer("hello"))
                place += 1
            }
            #expect(place == 501)
        }
    }

    @Test("answers come as they are ready when the first request asks for that")
    func unordered() async throws {
        try await TestServer.with { test in
            let client = try await MartletClient.connect(to: test.tcp)
            let requests = Requests(models: ["hold"] + Array(repeating: "echo", count: 200))
            var seen: [String] = []
            for try await answer in client.classifyStream(requests, unordered: true) {
                seen.append(answer.id)
                if seen.count == 200 {
                    #expect(!seen.contains("0"))
                    test.handler.release()
                }
            }
            #expect(seen.last == "0" && Set(seen).count == 201)
        }
    }

    @Test("no more requests are answered at once than the limit")
    func boundedRequests() async throws {
        var limits = Limits()
        limits.streamRequestsMax = 3
        try await TestServer.with(limits: limits) { test in
            let client = try await MartletClient.connect(to: test.unix)
            let answers = client.classifyStream(Requests(models: Array(repeating: "hold", count: 20)))
            await test.handler.until { $0.running == 3 }
            for _ in 0..<50 { try await client.ping() }
            #expect(test.handler.progress.started == 3)
            test.handler.release()
            var count = 0
            for try await _ in answers { count += 1 }
            #expect(count == 20)
        }
    }

    @Test("no more bytes of requests are in flight than a call's credit and one message")
    func boundedBytes() async throws {
        var limits = Limits()
        limits.callCreditBytes = 4_096
        try await TestServer.with(limits: limits) { test in
            let client = try await MartletClient.connect(to: test.unix)
            let text = String(repeating: "x", count: 3_000)
            let answers = client.classifyStream(Requests(models: Array(repeating: "hold", count: 20), text: text))
            await test.handler.until { $0.running == 2 }
            for _ in 0..<50 { try await client.ping() }
            #expect(test.handler.progress.started == 2)
            test.handler.release()
            var count = 0
            for try await _ in answers { count += 1 }
            #expect(count == 20)
        }
    }

    @Test("a client that does not read its answers stops its own requests, and goes on when it reads")
    func slowReader() async throws {
        try await TestServer.with { test in
            var options = ClientOptions()
            options.creditBytes = 4_096
            let client = try await MartletClient.connect(to: test.unix, options: options)
            // 2 MB of requests, far more than the server's credit; each asks for 1000 bytes.
            let text = String(repeating: "0", count: 996) + "1000"
            let requests = Requests(models: Array(repeating: "big", count: 2_000), text: text)
            let answers = client.classifyStream(requests)
            await test.handler.until { $0.started >= 64 }
            for _ in 0..<200 { try await client.ping() }
            // 64 in flight, what the client's credit let out before, and what the server's credit holds unread.
            #expect(test.handler.progress.started < 80)
            #expect(requests.count.value < 2_000)
            var count = 0
            for try await _ in answers { count += 1 }
            #expect(count == 2_000)
        }
    }

    @Test("a request that fails is answered with its failure, and the stream goes on")
    func failures() async throws {
        try await TestServer.with { test in
            let client = try await MartletClient.connect(to: test.unix)
            var outcomes: [String] = []
            for try await answer in client.classifyStream(Requests(models: ["echo", "fail", "echo"])) {
                switch answer.outcome {
                case .success: outcomes.append("answer")
                case .failure(let error):
                    #expect(error.code == .failedPrecondition && error.message == "not today")
                    #expect(error.retryAfter == .milliseconds(250))
                    outcomes.append("failure")
                }
            }
            #expect(outcomes == ["answer", "failure", "answer"])
        }
    }

    @Test("a request that cannot be read fails under its id; a message without a readable id ends the stream")
    func unreadable() async throws {
        try await TestServer.with { test in
            let client = try await MartletClient.connect(to: test.unix)
            let codec = MessageCodec(arenaBytesMax: 1 << 20)
            let good = codec.encode(ClassifyStreamRequest(id: "7", request: request("echo")), isUnordered: false)
            let messages = Messages([[0x0A, 0x01, 0x37], good, [0x0A, 0x01, 0xFF]])
            var ids: [String] = []
            let error = await failure {
                let path = MartletWire.Method.classifyStream.path
                for try await message in client.bidirectionalStream(path, messages) {
                    ids.append(try codec.decodeClassifyStreamAnswer(message).id)
                }
            }
            #expect(error?.code == .invalidArgument && error?.message == "id is not valid UTF-8")
            #expect(ids.allSatisfy { $0 == "7" })
        }
    }

    @Test("leaving the stream cancels every request in flight")
    func cancellation() async throws {
        try await TestServer.with { test in
            let client = try await MartletClient.connect(to: test.unix)
            do {
                let answers = client.classifyStream(Requests(models: ["echo"] + Array(repeating: "hold", count: 200)))
                for try await _ in answers { break }
                await test.handler.until { $0.running == 64 }
            }
            await test.handler.until { $0.cancelled >= 64 && $0.running == 0 }
            #expect(try await client.classify(request("echo")) == FakeHandler.answer("hello"))
        }
    }

    @Test("a stream without requests ends at once, and its deadline ends one that waits")
    func ends() async throws {
        try await TestServer.with { test in
            let client = try await MartletClient.connect(to: test.unix)
            for try await _ in client.classifyStream(Requests(models: [])) { Issue.record("an answer to nothing") }
            let answers = client.classifyStream(Requests(models: ["hold"]), timeout: .milliseconds(30))
            #expect(await failure { for try await _ in answers {} }?.code == .deadlineExceeded)
            // On a busy machine the deadline may pass before the request reached the handler.
            await test.handler.until { $0.cancelled == $0.started && $0.running == 0 }
        }
    }
}

/// Messages of a stream, ready made.
struct Messages: AsyncSequence, Sendable {
    let messages: [[UInt8]]

    init(_ messages: [[UInt8]]) { self.messages = messages }

    struct Iterator: AsyncIteratorProtocol {
        var rest: ArraySlice<[UInt8]>
        mutating func next() async -> [UInt8]? { rest.popFirst() }
    }

    func makeAsyncIterator() -> Iterator { Iterator(rest: messages[...]) }
}
