import MartletCore
import MartletServing
import MartletTestSupport
import Synchronization
import Testing

/// A document cut into chunks, that can be told to wait for a signal before its last chunk.
final class ChunkedDocument: DocumentSource {
    private let chunks: Mutex<[[UInt8]]>
    private let asked = Mutex(0)
    private let endless: Bool

    init(_ text: String, chunkBytes: Int) {
        let bytes = Array(text.utf8)
        let cuts = stride(from: 0, to: bytes.count, by: max(1, chunkBytes))
        chunks = Mutex(cuts.map { Array(bytes[$0..<min($0 + chunkBytes, bytes.count)]) }.reversed())
        endless = false
    }

    /// `text` again and again without end.
    init(endless text: String) {
        chunks = Mutex([Array(text.utf8)])
        endless = true
    }

    var chunksRead: Int { asked.withLock { $0 } }

    func next() async throws(MartletError) -> [UInt8]? {
        if Task.isCancelled { throw MartletError(.cancelled, "cancelled") }
        asked.withLock { $0 += 1 }
        return chunks.withLock { endless ? $0.last : $0.popLast() }
    }
}

/// Keeps every event.
final class EventList: DocumentEventSink {
    private let kept = Mutex<[DocumentEvent]>([])

    var events: [DocumentEvent] { kept.withLock { $0 } }
    var windows: [WindowResult] { events.compactMap { if case .window(let window) = $0 { window } else { nil } } }
    var running: [RunningVerdict] { events.compactMap { if case .running(let verdict) = $0 { verdict } else { nil } } }
    var final: FinalVerdict? { if case .final(let verdict)? = events.last { verdict } else { nil } }

    func send(_ event: DocumentEvent) async throws(MartletError) { kept.withLock { $0.append(event) } }
}

@Suite("Classifying documents")
struct DocumentTests {
    static let document = sampleTexts(200, seed: 9).joined(separator: ".\n")

    @Test("however a document is cut into chunks, its events are the same", arguments: [1 << 20, 4_096, 100, 7])
    func cuts(chunkBytes: Int) async throws {
        let folder = try ServedFolder()
        try folder.add("tiny", version: 1, seed: 1)
        let server = try await folder.serve()
        let text = chunkBytes < 100 ? String(Self.document.prefix(4_000)) : Self.document
        let options = DocumentOptions(model: ModelReference(name: "tiny"), windowTokens: 32, emitRunning: false)
        let whole = EventList(), cut = EventList()
        try await server.classifyDocument(
            options, document: ChunkedDocument(text, chunkBytes: 1 << 20), events: whole, context: CallContext())
        try await server.classifyDocument(
            options, document: ChunkedDocument(text, chunkBytes: chunkBytes), events: cut, context: CallContext())
        #expect(cut.windows == whole.windows && whole.windows.count > 20)
        #expect(cut.final?.scores == whole.final?.scores && cut.final?.coverage == whole.final?.coverage)
        await server.shutdown()
    }

    @Test("windows cover every token once as new, in order, and each has the bits of its own text")
    func coverage() async throws {
        let folder = try ServedFolder()
        try folder.add("tiny", version: 1, seed: 1)
        let server = try await folder.serve()
        let events = EventList()
        let options = DocumentOptions(model: ModelReference(name: "tiny"), windowTokens: 32, strideTokens: 20)
        try await server.classifyDocument(
            options, document: ChunkedDocument(Self.document, chunkBytes: 1_000), events: events, context: CallContext()
        )
        let windows = events.windows
        #expect(windows.map(\.index) == Array(0..<windows.count))
        #expect(events.running.count == windows.count)
        #expect(zip(windows, windows.dropFirst()).allSatisfy { $0.span.byteEnd > $1.span.byteStart })
        let bytes = Array(Self.document.utf8)
        for window in windows.prefix(10) {
            let text = String(decoding: bytes[window.span.byteStart..<window.span.byteEnd], as: UTF8.self)
            let request = ClassifyRequest(model: ModelReference(name: "tiny"), inputs: [TextInput(text)])
            let alone = try await server.classify(request, context: CallContext()).results[0]
            #expect(alone.scores == window.scores && alone.tokensTotal == window.tokens)
        }
        let final = try #require(events.final)
        #expect(final.coverage.fraction == 1 && final.coverage.bytesReceived == bytes.count && !final.stoppedEarly)
        #expect(final.windows == windows.count && final.model.version == 1)
        let tokens = try await server.classify(
            ClassifyRequest(model: ModelReference(name: "tiny"), inputs: [TextInput(Self.document)], overflow: .window),
            context: CallContext()
        ).results[0].tokensTotal
        #expect(final.coverage.tokensClassified == tokens - 2)
        await server.shutdown()
    }

    @Test("a certain verdict stops the reading of a document without end")
    func earlyStop() async throws {
        let folder = try ServedFolder()
        try folder.add("tiny", version: 1, seed: 1)
        let server = try await folder.serve()
        let document = ChunkedDocument(endless: Self.document), events = EventList()
        let options = DocumentOptions(model: ModelReference(name: "tiny"), windowTokens: 32, minConfidence: 0.5)
        try await server.classifyDocument(options, document: document, events: events, context: CallContext())
        let final = try #require(events.final)
        #expect(final.stoppedEarly && final.coverage.fraction < 1 && final.windows >= 1)
        await server.shutdown()
    }

    @Test("a cancelled task ends the reading of a document without end, and the engine goes on")
    func cancelled() async throws {
        let folder = try ServedFolder()
        try folder.add("tiny", version: 1, seed: 1)
        let server = try await folder.serve()
        let document = ChunkedDocument(endless: Self.document), events = EventList()
        let task = Task {
            try await server.classifyDocument(
                DocumentOptions(model: ModelReference(name: "tiny"), windowTokens: 32, emitRunning: false),
                document: document,
                events: events, context: CallContext())
        }
        while events.events.count < 50 { await Task.yield() }
        task.cancel()
        let error = await #expect(throws: MartletError.self) { try await task.value }
        #expect(error?.code == .cancelled)
        #expect(events.final == nil)
        #expect(try await server.logits(["the good people"]).count == 1)
        await server.shutdown()
    }

    @Test("a reader that takes no events holds back the reading of the document")
    func slowReader() async throws {
        final class Stuck: DocumentEventSink {
            func send(_ event: DocumentEvent) async throws(MartletError) {
                while !Task.isCancelled { await Task.yield() }
                throw MartletError(.cancelled, "cancelled")
            }
        }
        let folder = try ServedFolder()
        try folder.add("tiny", version: 1, seed: 1)
        let server = try await folder.serve()
        let document = ChunkedDocument(endless: Self.document)
        let task = Task {
            try await server.classifyDocument(
                DocumentOptions(model: ModelReference(name: "tiny"), windowTokens: 32), document: document,
                events: Stuck(),
                context: CallContext())
        }
        var last = -1
        // The count settles: what is read without an event taken is bounded.
        for _ in 0..<200 {
            for _ in 0..<200 { await Task.yield() }
            last = document.chunksRead
        }
        #expect(last <= 4, "chunks read while nobody took an event: \(last)")
        task.cancel()
        _ = await task.result
        await server.shutdown()
    }

    @Test("bytes that are not UTF-8 end the document with their place")
    func invalidUTF8() async throws {
        final class Bytes: DocumentSource {
            private let rest = Mutex<[[UInt8]]>([[0x20, 0xFF, 0x20], Array("the good ".utf8)])
            func next() async throws(MartletError) -> [UInt8]? { rest.withLock { $0.popLast() } }
        }
        let folder = try ServedFolder()
        try folder.add("tiny", version: 1, seed: 1)
        let server = try await folder.serve()
        let error = await #expect(throws: MartletError.self) {
            try await server.classifyDocument(
                DocumentOptions(model: ModelReference(name: "tiny")), document: Bytes(), events: EventList(),
                context: CallContext())
        }
        #expect(error?.code == .invalidArgument && error?.message.contains("10") == true)
        await server.shutdown()
    }

    @Test("a document without text has a final verdict without label, and full coverage")
    func emptyDocument() async throws {
        let folder = try ServedFolder()
        try folder.add("tiny", version: 1, seed: 1)
        let server = try await folder.serve()
        for text in ["", " \n\t ", "\u{200B}\u{FEFF}"] {
            let events = EventList()
            try await server.classifyDocument(
                DocumentOptions(model: ModelReference(name: "tiny")), document: ChunkedDocument(text, chunkBytes: 1),
                events: events, context: CallContext())
            let final = try #require(events.final)
            #expect(final.windows == 0 && final.label.isEmpty && final.evidence == nil && final.coverage.fraction == 1)
        }
        await server.shutdown()
    }

    @Test("a model that reads fewer tokens than the smallest window refuses documents, and goes on answering")
    func tooShortModel() async throws {
        let folder = try ServedFolder()
        try folder.add("tiny", version: 1, seed: 1) { $0.maxPositions = 6 }
        let server = try await folder.serve()
        for windowTokens in [0, 6, 8] {
            let error = await #expect(throws: MartletError.self) {
                try await server.classifyDocument(
                    DocumentOptions(model: ModelReference(name: "tiny"), windowTokens: windowTokens),
                    document: ChunkedDocument("the", chunkBytes: 10), events: EventList(), context: CallContext())
            }
            #expect(error?.code == .invalidArgument)
        }
        #expect(try await server.logits(["the good"]).count == 1)
        await server.shutdown()
    }

    @Test("a stride of one token gives the windows that larger chunks give")
    func smallStride() async throws {
        let folder = try ServedFolder()
        try folder.add("tiny", version: 1, seed: 1)
        let server = try await folder.serve()
        let events = EventList()
        let text = String(repeating: "!", count: 9_000)
        try await server.classifyDocument(
            DocumentOptions(model: ModelReference(name: "tiny"), windowTokens: 8, strideTokens: 1, emitRunning: false),
            document: ChunkedDocument(text, chunkBytes: 1 << 20), events: events, context: CallContext())
        #expect(events.windows.map(\.span.byteStart) == Array(0...8_994))
        #expect(events.final?.coverage.tokensClassified == 9_000)
        await server.shutdown()
    }

    @Test(
        "a document whose client sends nothing, or reads nothing, leaves an unloaded version after the drain limit",
        arguments: [true, false])
    func silentClient(reads: Bool) async throws {
        final class Silent: DocumentSource {
            private let first = Mutex<[UInt8]?>(Array(DocumentTests.document.utf8))
            private let silence = AsyncStream<Void>.makeStream()

            func next() async throws(MartletError) -> [UInt8]? {
                if let first = first.withLock({
                    let chunk = $0; $0 = nil; return chunk
                }) {
                    return first
                }
                for await _ in silence.stream {}
                throw MartletError(.cancelled, "cancelled")
            }
        }
        final class OneEvent: DocumentEventSink {
            let kept = EventList()
            let reads: Bool
            private let silence = AsyncStream<Void>.makeStream()
            init(reads: Bool) { self.reads = reads }

            func send(_ event: DocumentEvent) async throws(MartletError) {
                try await kept.send(event)
                if reads { return }
                for await _ in silence.stream {}
                throw MartletError(.cancelled, "cancelled")
            }
        }
        let folder = try ServedFolder()
        try folder.add("tiny", version: 1, seed: 1)
        let server = try await folder.serve { $0.limits.drainTimeout = .milliseconds(20) }
        let events = OneEvent(reads: reads)
        let task = Task {
            try await server.classifyDocument(
                DocumentOptions(model: ModelReference(name: "tiny"), windowTokens: 32, emitRunning: false),
                document: Silent(), events: events, context: CallContext())
        }
        while events.kept.events.isEmpty { await Task.yield() }
        try folder.add("tiny", version: 2, seed: 2)
        try await server.refresh()
        let error = await #expect(throws: MartletError.self) { try await task.value }
        #expect(error?.code == .unavailable && events.kept.final == nil)
        await server.shutdown()
    }

    @Test("window, stride and confidence out of range are refused with their range")
    func badOptions() async throws {
        let folder = try ServedFolder()
        try folder.add("tiny", version: 1, seed: 1)
        let server = try await folder.serve()
        let model = ModelReference(name: "tiny")
        for (options, word) in [
            (DocumentOptions(model: model, windowTokens: 65), "window_tokens"),
            (DocumentOptions(model: model, windowTokens: 2), "window_tokens"),
            (DocumentOptions(model: model, windowTokens: -1), "window_tokens"),
            (DocumentOptions(model: model, windowTokens: 32, strideTokens: 31), "stride_tokens"),
            (DocumentOptions(model: model, strideTokens: -3), "stride_tokens"),
            (DocumentOptions(model: model, focusLabel: "NONE"), "focus_label"),
            (DocumentOptions(model: model, minConfidence: 1.5), "min_confidence"),
        ] {
            let error = await #expect(throws: MartletError.self) {
                try await server.classifyDocument(
                    options, document: ChunkedDocument("the", chunkBytes: 10), events: EventList(),
                    context: CallContext())
            }
            #expect(error?.code == .invalidArgument && error?.message.contains(word) == true)
        }
        await server.shutdown()
    }
}
