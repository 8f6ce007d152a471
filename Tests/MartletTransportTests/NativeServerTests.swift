import MartletClient
import MartletCore
import Testing

@Suite("A native server and a client over real sockets", .timeLimit(.minutes(1)))
struct NativeServerTests {
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
