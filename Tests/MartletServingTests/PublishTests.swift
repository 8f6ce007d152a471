import Foundation
import MartletCore
import MartletServing
import MartletTestSupport
import Synchronization
import Testing

/// An upload of a version's folder; ends early when told to.
private final class FolderUpload: PublishSource, PublishEventSink {
    private struct State {
        var parts: [PublishPart]
        var events: [PublishEvent] = []
    }

    private let state: Mutex<State>
    /// Parts that the peer still sends.
    private let left: Mutex<Int>
    private let breaks: Bool

    /// - Parameters:
    ///   - held: what the server has of each file already.
    ///   - partsMax: parts after which the peer is gone.
    init(_ folder: URL, held: [String: Int] = [:], partBytes: Int = 10_000, partsMax: Int = .max) throws {
        let manifest = try Data(contentsOf: folder.appendingPathComponent("manifest.json"))
        var parts = [PublishPart.begin(manifest: Array(manifest), signature: [])]
        for name in try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted()
        where name != "manifest.json" {
            let bytes = Array(try Data(contentsOf: folder.appendingPathComponent(name)))
            var offset = held[name] ?? 0
            while offset < bytes.count {
                let end = min(offset + partBytes, bytes.count)
                parts.append(.bytes(file: name, offset: offset, bytes: Array(bytes[offset..<end])))
                offset = end
            }
        }
        state = Mutex(State(parts: parts))
        left = Mutex(partsMax)
        breaks = partsMax < parts.count
    }

    var events: [PublishEvent] { state.withLock { $0.events } }

    var held: [String: Int] {
        for case .held(let files) in events {
            return Dictionary(uniqueKeysWithValues: files.map { ($0.name, $0.bytes) })
        }
        return [:]
    }

    func next() async throws(MartletError) -> PublishPart? {
        let isOver = left.withLock { left in
            left -= 1
            return left < 0
        }
        if isOver, breaks { throw MartletError(.cancelled, "the peer is gone") }
        return state.withLock { $0.parts.isEmpty ? nil : $0.parts.removeFirst() }
    }

    func send(_ event: PublishEvent) async throws(MartletError) { state.withLock { $0.events.append(event) } }
}

@Suite("Publishing to a server", .timeLimit(.minutes(5)))
struct PublishTests {
    private let context = CallContext()

    private func publish(_ upload: FolderUpload, to server: InferenceServer) async throws {
        try await server.publish(upload, events: upload, context: context)
    }

    @Test("a version that was uploaded is known with the answer, gets ready, and answers as it did where it was made")
    func published() async throws {
        let made = try ServedFolder()
        try made.add("tiny", version: 3, seed: 3)
        let expected = try await {
            let server = try await made.serve()
            defer { Task { await server.shutdown() } }
            return try await server.logits(["the good people"])
        }()
        let server = try await ServedFolder().serve()
        let upload = try FolderUpload(made.versionFolder("tiny", 3))
        try await publish(upload, to: server)
        #expect(server.statuses().map { "\($0.name)/\($0.version)" } == ["tiny/3"])
        guard case .published(let identity)? = upload.events.last else {
            Issue.record("no version was published: \(upload.events)")
            return
        }
        #expect(identity.name == "tiny" && identity.version == 3)
        try await server.refresh()
        #expect(try await server.logits(["the good people"]) == expected)
        #expect(server.statuses().first?.digest == identity.digest)
        // Once more with the same bytes: there already.
        let look = try FolderUpload(made.versionFolder("tiny", 3), partsMax: 1)
        await #expect(throws: MartletError.self) { try await publish(look, to: server) }
        let whole = try FolderUpload(made.versionFolder("tiny", 3), held: look.held)
        try await publish(whole, to: server)
        #expect(whole.events.count == 2 && whole.events.last == .published(identity))
        await server.shutdown()
    }

    @Test("an upload that broke off goes on where it ended")
    func resumed() async throws {
        let made = try ServedFolder()
        try made.add("tiny", version: 1, seed: 1)
        let server = try await ServedFolder().serve()
        let broken = try FolderUpload(made.versionFolder("tiny", 1), partsMax: 9)
        let error = await #expect(throws: MartletError.self) { try await publish(broken, to: server) }
        #expect(error?.code == .cancelled && server.statuses().isEmpty)
        let look = try FolderUpload(made.versionFolder("tiny", 1), partsMax: 1)
        await #expect(throws: MartletError.self) { try await publish(look, to: server) }
        #expect(look.held.values.reduce(0, +) > 60_000, "\(look.held)")
        let rest = try FolderUpload(made.versionFolder("tiny", 1), held: look.held)
        try await publish(rest, to: server)
        try await server.refresh()
        #expect(try await server.answer("the").version == 1)
        await server.shutdown()
    }

    @Test("an upload without a manifest, or with two, is refused; so is one more than uploadsMax")
    func refused() async throws {
        let made = try ServedFolder()
        try made.add("tiny", version: 1, seed: 1)
        final class PartList: PublishSource {
            let parts: Mutex<[PublishPart]>
            init(_ parts: [PublishPart]) { self.parts = Mutex(parts) }
            func next() async throws(MartletError) -> PublishPart? {
                parts.withLock { $0.isEmpty ? nil : $0.removeFirst() }
            }
        }
        let server = try await ServedFolder().serve { $0.limits.uploadsMax = 1 }
        let sink = try FolderUpload(made.versionFolder("tiny", 1))
        let manifest = Array(
            try Data(contentsOf: made.versionFolder("tiny", 1).appendingPathComponent("manifest.json")))
        let begin = PublishPart.begin(manifest: manifest, signature: [])
        for parts in [[], [.bytes(file: "a", offset: 0, bytes: [1])], [begin, begin]] {
            let error = await #expect(throws: MartletError.self) {
                try await server.publish(PartList(parts), events: sink, context: CallContext())
            }
            #expect(error?.code == .invalidArgument)
        }
        // One that waits for its peer takes the only place.
        let (waiting, go) = AsyncStream<Never>.makeStream()
        struct Waiting: PublishSource {
            let stream: AsyncStream<Never>
            let began: AsyncStream<Void>.Continuation
            func next() async throws(MartletError) -> PublishPart? {
                began.yield()
                for await _ in stream {}
                return nil
            }
        }
        let (began, beganSink) = AsyncStream<Void>.makeStream()
        let first = Task {
            try await server.publish(
                Waiting(stream: waiting, began: beganSink), events: sink, context: CallContext())
        }
        for await _ in began { break }
        let error = await #expect(throws: MartletError.self) {
            try await server.publish(PartList([begin]), events: sink, context: CallContext())
        }
        #expect(error?.code == .resourceExhausted && error?.message.contains("uploadsMax") == true)
        #expect(error?.retryAfter != nil)
        go.finish()
        await #expect(throws: MartletError.self) { try await first.value }
        await server.shutdown()
    }
}
