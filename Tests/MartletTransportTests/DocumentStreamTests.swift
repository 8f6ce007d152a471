import Foundation
import MartletClient
import MartletCore
import MartletTransport
import MartletWire
import Synchronization
import Testing

@Suite("Documents over real sockets", .timeLimit(.minutes(5)))
struct DocumentStreamTests {
    /// As many chunks as asked for, counted as they are taken.
    struct CountedChunks: AsyncSequence, Sendable {
        final class Count: Sendable {
            let taken = Mutex(0)
            var value: Int { taken.withLock { $0 } }
        }

        let chunks: Int
        let bytes: Int
        let count = Count()
        var failsAtEnd = false
        struct Broken: Error {}

        struct Iterator: AsyncIteratorProtocol {
            let source: CountedChunks
            var left: Int

            mutating func next() async throws -> [UInt8]? {
                guard left > 0 else {
                    if source.failsAtEnd { throw Broken() }
                    return nil
                }
                left -= 1
                source.count.taken.withLock { $0 += 1 }
                return [UInt8](repeating: 0x61, count: source.bytes)
            }
        }

        func makeAsyncIterator() -> Iterator { Iterator(source: self, left: chunks) }
    }

    static func options(_ model: String) -> DocumentOptions { DocumentOptions(model: ModelReference(name: model)) }

    @Test("carries 50 MB in order, every byte of it")
    func fiftyMegabytes() async throws {
        try await TestServer.with { test in
            let client = try await MartletClient.connect(to: test.unix)
            let chunks = CountedChunks(chunks: 800, bytes: 65_536)
            var windows = 0
            var last: DocumentEvent?
            for try await event in client.classifyDocument(Self.options("echo"), chunks: chunks) {
                if case .window(let window) = event {
                    #expect(window.index == windows)
                    windows += 1
                }
                last = event
            }
            #expect(last == FakeHandler.verdict(windows: 800, bytes: 800 * 65_536))
        }
    }

    @Test("takes no more of a document than the credit while the engine does not read")
    func engineDoesNotRead() async throws {
        try await TestServer.with { test in
            let client = try await MartletClient.connect(to: test.unix)
            let chunks = CountedChunks(chunks: 1_000, bytes: 32_768)
            let events = client.classifyDocument(Self.options("hold"), chunks: chunks)
            await test.handler.until { $0.running == 1 }
            for round in 0..<100 {
                #expect(try await client.classify(request("echo", "\(round)")) == FakeHandler.answer("\(round)"))
            }
            // 256 KiB of credit, one message beyond, one chunk in the sender's hand.
            #expect(chunks.count.value <= 10)
            test.handler.release()
            for try await _ in events {}
        }
    }

    @Test("a reader that stops, stops its own producer and no other call; reading on lets it go on; leaving stops it")
    func slowReader() async throws {
        try await TestServer.with { test in
            var options = ClientOptions()
            options.creditBytes = 16 << 10
            let client = try await MartletClient.connect(to: test.tcp, options: options)
            do {
                let events = client.classifyDocument(Self.options("flood"), chunks: CountedChunks(chunks: 0, bytes: 0))
                var iterator = events.makeAsyncIterator()
                _ = try await iterator.next()
                for round in 0..<200 {
                    #expect(try await client.classify(request("echo", "\(round)")) == FakeHandler.answer("\(round)"))
                }
                // 16 KiB at 64 bytes a message at least, and what the first reads gave back.
                let sent = test.handler.progress.eventsSent
                #expect(sent <= 2 * 256)
                for _ in 0..<1_000 { _ = try await iterator.next() }
                await test.handler.until { $0.eventsSent >= 1_000 }
            }
            await test.handler.until { $0.cancelled == 1 && $0.running == 0 }
            #expect(try await client.classify(request("echo")) == FakeHandler.answer("hello"))
        }
    }

    @Test("a peer whose socket is full pauses the engine, whatever credit it gave")
    func socketFull() async throws {
        try await TestServer.with { test in
            let peer = try await RawPeer.greeted(port: test.port, initialCreditBytes: 1 << 40)
            let codec = MessageCodec(arenaBytesMax: 1 << 20)
            try await peer.send(
                .open(1, Frame.Open(method: MartletWire.Method.classifyDocument.path)),
                .message(1, codec.encode(DocumentChunk(options: Self.options("flood"), data: []))))
            await test.handler.until { $0.eventsSent > 1_000 }
            let other = try await MartletClient.connect(to: test.tcp)
            for _ in 0..<50 { try await other.ping() }
            // The kernel's buffers and 64 KiB of ours; without a pause this would grow for ever. Then nothing moves.
            var before = -1
            while before != test.handler.progress.eventsSent {
                before = test.handler.progress.eventsSent
                for _ in 0..<50 { try await other.ping() }
            }
            try await peer.send(.cancel(1))
            await test.handler.until { $0.cancelled == 1 }
        }
    }

    @Test("an early verdict ends the call although the document goes on")
    func earlyStop() async throws {
        try await TestServer.with { test in
            let client = try await MartletClient.connect(to: test.unix)
            let chunks = CountedChunks(chunks: 100_000, bytes: 65_536)
            var last: DocumentEvent?
            for try await event in client.classifyDocument(Self.options("first"), chunks: chunks) { last = event }
            #expect(last == FakeHandler.verdict(windows: 1, bytes: 65_536))
            #expect(chunks.count.value < 100)
        }
    }

    @Test("an early verdict ends the call of a client that sends nothing more")
    func earlyStopOfSilentClient() async throws {
        try await TestServer.with { test in
            let peer = try await RawPeer.greeted(port: test.port)
            let codec = MessageCodec(arenaBytesMax: 1 << 20)
            try await peer.send(
                .open(1, Frame.Open(method: MartletWire.Method.classifyDocument.path)),
                .message(1, codec.encode(DocumentChunk(options: Self.options("early"), data: []))))
            #expect(try await peer.status(of: 1) == .ok)
        }
    }

    @Test("a call whose engine gives up ends although its client grants no credit")
    func givesUpOnSilentReader() async throws {
        try await TestServer.with { test in
            let peer = try await RawPeer.greeted(port: test.port, initialCreditBytes: 100)
            let codec = MessageCodec(arenaBytesMax: 1 << 20)
            try await peer.send(
                .open(1, Frame.Open(method: MartletWire.Method.classifyDocument.path)),
                .message(1, codec.encode(DocumentChunk(options: Self.options("unread"), data: []))))
            #expect(try await peer.status(of: 1)?.code == MartletError.Code.unavailable.value)
        }
    }

    @Test("grants a message's bytes when the engine asks for the next one, not when it takes it")
    func messageInHand() async throws {
        try await TestServer.with { test in
            let peer = try await RawPeer.greeted(port: test.port)
            let codec = MessageCodec(arenaBytesMax: 1 << 20)
            let data = [UInt8](repeating: 0x61, count: 300_000)
            try await peer.send(
                .open(1, Frame.Open(method: MartletWire.Method.classifyDocument.path)),
                .message(1, codec.encode(DocumentChunk(options: Self.options("hold"), data: data))))
            await test.handler.until { $0.running == 1 }
            try await peer.send(.ping(7))
            #expect(try await peer.frame() == .pong(7))
        }
    }

    @Test("a document that cannot be read to its end cancels the call and says why")
    func brokenSource() async throws {
        try await TestServer.with { test in
            let client = try await MartletClient.connect(to: test.unix)
            var chunks = CountedChunks(chunks: 3, bytes: 100)
            chunks.failsAtEnd = true
            let events = client.classifyDocument(Self.options("echo"), chunks: chunks)
            let error = await failure { for try await _ in events {} }
            #expect(error?.code == .aborted && error?.cause is CountedChunks.Broken)
            await test.handler.until { $0.running == 0 }
        }
    }

    @Test("reads a file from its path, and says when there is none")
    func files() async throws {
        try await TestServer.with { test in
            let client = try await MartletClient.connect(to: test.unix)
            let path = FileManager.default.temporaryDirectory.appendingPathComponent("martlet-\(UUID().uuidString)")
                .path
            try Data(repeating: 0x61, count: 200_000).write(to: URL(fileURLWithPath: path))
            defer { try? FileManager.default.removeItem(atPath: path) }
            var last: DocumentEvent?
            for try await event in client.classifyDocument(Self.options("echo"), file: path) { last = event }
            #expect(last == FakeHandler.verdict(windows: 4, bytes: 200_000))
            for (path, code) in [("/nowhere/at/all", MartletError.Code.notFound), ("/", .invalidArgument)] {
                let events = client.classifyDocument(Self.options("echo"), file: path)
                #expect(await failure { for try await _ in events {} }?.code == code)
            }
        }
    }

    @Test("refuses a document without options, and options that come twice")
    func optionsRules() async throws {
        try await TestServer.with { test in
            let peer = try await RawPeer.greeted(port: test.port)
            let codec = MessageCodec(arenaBytesMax: 1 << 20)
            let first = Frame.Open(method: MartletWire.Method.classifyDocument.path)
            try await peer.send(.open(1, first), .halfClose(1))
            #expect(try await peer.status(of: 1)?.code == MartletError.Code.invalidArgument.value)
            try await peer.send(.open(2, first), .message(2, codec.encode(DocumentChunk(data: [0x61]))))
            #expect(try await peer.status(of: 2)?.message.contains("options") == true)
            let opening = codec.encode(DocumentChunk(options: Self.options("echo"), data: [0x61]))
            try await peer.send(.open(3, first), .message(3, opening), .message(3, opening))
            #expect(try await peer.status(of: 3)?.message.contains("options") == true)
        }
    }
}
