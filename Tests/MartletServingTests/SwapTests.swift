import Foundation
import MartletCore
import MartletServing
import MartletTestSupport
import Synchronization
import Testing

/// What the callers of a swap test did.
final class Traffic: Sendable {
    private let state = Mutex((over: false, answers: [Int: Int]()))

    var isOver: Bool { state.withLock { $0.over } }
    /// Answers by version.
    var answers: [Int: Int] { state.withLock { $0.answers } }

    func end() { state.withLock { $0.over = true } }

    func answered(by version: Int) { state.withLock { $0.answers[version, default: 0] += 1 } }
}

@Suite("Swapping versions")
struct SwapTests {
    @Test("200 swaps under traffic fail no call, and every answer has the bits of the version it names")
    func swaps() async throws {
        let folder = try ServedFolder()
        try folder.add("tiny", version: 1, seed: 1)
        try folder.add("tiny", version: 2, seed: 2)
        let texts = sampleTexts(24)
        var expected: [Int: [[Float]]] = [:]
        let second = folder.versionFolder("tiny", 2), aside = folder.aside("tiny", 2)
        let server = try await folder.serve()
        expected[2] = try await server.logits(texts)
        try FileManager.default.moveItem(at: second, to: aside)
        try await server.refresh()
        expected[1] = try await server.logits(texts)
        #expect(expected[1] != expected[2])
        let truth = expected

        let traffic = Traffic()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for offset in 0..<4 {
                group.addTask {
                    var turn = offset
                    while !traffic.isOver {
                        let index = turn % texts.count
                        turn += 1
                        let request = ClassifyRequest(
                            model: ModelReference(name: "tiny"), inputs: [TextInput(texts[index])], returnLogits: true)
                        let answer = try await server.classify(request, context: CallContext())
                        #expect(answer.results[0].logits == truth[answer.model.version]?[index])
                        traffic.answered(by: answer.model.version)
                    }
                }
            }
            group.addTask {
                defer { traffic.end() }
                for swap in 0..<200 {
                    if swap.isMultiple(of: 2) {
                        try FileManager.default.moveItem(at: aside, to: second)
                    } else {
                        try FileManager.default.moveItem(at: second, to: aside)
                    }
                    // A version that calls still hold while it is wanted back is loaded again when they end.
                    let wanted = [swap.isMultiple(of: 2) ? 2 : 1]
                    repeat {
                        try await server.refresh()
                    } while server.statuses().filter({ $0.state == .ready }).map(\.version) != wanted
                }
            }
            try await group.waitForAll()
        }
        let served = traffic.answers
        #expect((served[1] ?? 0) > 100 && (served[2] ?? 0) > 100, "\(served)")
        await server.shutdown()
    }

    @Test("a document goes on with the version it began with while another takes over")
    func documentKeepsItsVersion() async throws {
        final class Gate: DocumentEventSink {
            let kept = EventList()
            let swap: @Sendable () async throws -> Void
            private let done = Mutex(false)
            init(_ swap: @escaping @Sendable () async throws -> Void) { self.swap = swap }
            func send(_ event: DocumentEvent) async throws(MartletError) {
                if !done.withLock({
                    let was = $0; $0 = true; return was
                }) {
                    do { try await swap() } catch { throw MartletError(wrapping: error, while: "swapping") }
                }
                try await kept.send(event)
            }
        }
        let folder = try ServedFolder()
        try folder.add("tiny", version: 1, seed: 1)
        let server = try await folder.serve()
        let options = DocumentOptions(model: ModelReference(name: "tiny"), windowTokens: 32, emitRunning: false)
        let before = EventList()
        let document = DocumentTests.document
        try await server.classifyDocument(
            options, document: ChunkedDocument(document, chunkBytes: 500), events: before, context: CallContext())
        let gate = Gate {
            try folder.add("tiny", version: 2, seed: 2)
            try await server.refresh()
            let status = server.statuses().first { $0.version == 1 }
            #expect(status?.state == .draining && status?.leases == 1)
            let answer = try await server.classify(
                ClassifyRequest(model: ModelReference(name: "tiny"), inputs: [TextInput("the")]), context: CallContext()
            )
            #expect(answer.model.version == 2)
        }
        try await server.classifyDocument(
            options, document: ChunkedDocument(document, chunkBytes: 500), events: gate, context: CallContext())
        #expect(gate.kept.windows == before.windows && gate.kept.final?.model.version == 1)
        try await server.refresh()
        #expect(server.statuses().first { $0.version == 1 }?.state != .ready)
        await server.shutdown()
    }

    @Test("a broken version is refused with its reason and the old one goes on, until its bytes are mended")
    func brokenVersion() async throws {
        let folder = try ServedFolder()
        try folder.add("tiny", version: 1, seed: 1)
        let log = EventLog()
        let server = try await folder.serve(onEvent: { log.add($0) })
        let truth = try await server.logits(["the good people"])
        try folder.add("aside", version: 2, seed: 2)
        let weights = folder.versionFolder("aside", 2).appendingPathComponent("weights.martlet")
        var bytes = try Data(contentsOf: weights)
        let good = bytes
        bytes[bytes.count / 2] ^= 1
        try bytes.write(to: weights)
        // A folder of another model's name, with a flipped bit besides: refused for the bit first.
        try FileManager.default.moveItem(at: folder.versionFolder("aside", 2), to: folder.versionFolder("tiny", 2))
        try await server.refresh()
        let failed = try #require(server.statuses().first { $0.name == "tiny" && $0.version == 2 })
        #expect(failed.state == .failed && failed.reason.contains("weights.martlet"))
        #expect(!failed.reason.contains(folder.root.path))
        #expect(try await server.logits(["the good people"]) == truth)
        #expect(log.text.contains { $0.contains("tiny/2 failed") })

        // Mended bytes under a foreign name are refused for the name.
        try good.write(to: folder.versionFolder("tiny", 2).appendingPathComponent("weights.martlet"))
        try await server.refresh()
        let foreign = try #require(server.statuses().first { $0.name == "tiny" && $0.version == 2 })
        #expect(foreign.state == .failed && foreign.reason.contains("aside/2"))

        try FileManager.default.removeItem(at: folder.versionFolder("tiny", 2))
        try folder.add("tiny", version: 2, seed: 2)
        try await server.refresh()
        #expect(server.statuses().first { $0.name == "tiny" && $0.version == 2 }?.state == .ready)
        #expect(try await server.logits(["the good people"]) != truth)
        await server.shutdown()
    }

    @Test("a published folder is found without asking")
    func watched() async throws {
        let folder = try ServedFolder()
        try folder.add("tiny", version: 1, seed: 1)
        let (events, sink) = AsyncStream<String>.makeStream()
        let server = try await folder.serve(onEvent: { sink.yield($0.description) })
        try folder.add("tiny", version: 2, seed: 2)
        for await event in events where event == "tiny/2 ready" { break }
        let answer = try await server.classify(
            ClassifyRequest(model: ModelReference(name: "tiny"), inputs: [TextInput("the")]), context: CallContext())
        #expect(answer.model.version == 2)
        await server.shutdown()
    }
}
