import MartletCore
import MartletTransport
import Synchronization

/// An engine whose behaviour the request asks for by its model's name:
/// - `echo`: answers at once, with the first text as the label.
/// - `hold`: waits until `release()`, or until its task is cancelled.
/// - `big`: answers with a label of as many bytes as the first text says.
/// - `fail`: throws an error that has a cause.
///
/// Documents: `echo` sends one window for each chunk, with the chunk's bytes in its span; `flood` reads nothing and
/// sends windows until it is stopped; `first` stops after the first chunk; `hold` waits without reading; `early` reads
/// in a task of its own and has its verdict while that one waits; `unread` sends in a task of its own, and gives up.
final class FakeHandler: InferenceHandler {
    struct Secret: Error {}

    private struct State {
        var running = 0
        var started = 0
        var cancelled = 0
        var eventsSent = 0
        var bytesRead = 0
        var watchers: [Int: (isMet: (Progress) -> Bool, continuation: CheckedContinuation<Void, Never>)] = [:]
        var nextWatcher = 0
    }

    struct Progress {
        var running: Int
        var started: Int
        var cancelled: Int
        var eventsSent: Int
        var bytesRead: Int
    }

    private let state = Mutex(State())
    /// What `hold` waits for.
    private let released = DrainSignal()

    // MARK: For tests

    var progress: Progress { state.withLock { Self.progress($0) } }

    func release() { released.raise() }

    /// Returns once `isMet` holds; the test's time limit ends a wait in vain.
    func until(_ isMet: @escaping @Sendable (Progress) -> Bool) async {
        let number = state.withLock { state in
            state.nextWatcher += 1
            return state.nextWatcher
        }
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let mustWait = state.withLock { state in
                    if isMet(Self.progress(state)) || Task.isCancelled { return false }
                    state.watchers[number] = (isMet, continuation)
                    return true
                }
                if !mustWait { continuation.resume() }
            }
        } onCancel: {
            state.withLock { $0.watchers.removeValue(forKey: number) }?.continuation.resume()
        }
    }

    private static func progress(_ state: State) -> Progress {
        Progress(
            running: state.running, started: state.started, cancelled: state.cancelled, eventsSent: state.eventsSent,
            bytesRead: state.bytesRead)
    }

    private func note(_ change: (inout State) -> Void) {
        let met = state.withLock { state in
            change(&state)
            let now = Self.progress(state)
            let met = state.watchers.filter { $0.value.isMet(now) }
            for number in met.keys { state.watchers[number] = nil }
            return met.values.map(\.continuation)
        }
        for continuation in met { continuation.resume() }
    }

    private func hold() async throws(MartletError) {
        await released.wait()
        if Task.isCancelled { throw MartletError(.cancelled, "stopped while holding") }
    }

    private func counted<Result>(_ body: () async throws(MartletError) -> Result) async throws(MartletError) -> Result {
        note { state in
            state.running += 1
            state.started += 1
        }
        do {
            let result = try await body()
            note { $0.running -= 1 }
            return result
        } catch {
            let wasCancelled = Task.isCancelled
            note { state in
                state.running -= 1
                if wasCancelled { state.cancelled += 1 }
            }
            throw error
        }
    }

    // MARK: InferenceHandler

    func classify(_ request: ClassifyRequest, context: CallContext) async throws(MartletError) -> ClassifyAnswer {
        try await counted { () throws(MartletError) in
            let text = request.inputs.first?.text ?? ""
            switch request.model.name {
            case "hold": try await hold()
            // Does not stop when it is cancelled, as an encoder in the middle of a batch does not.
            case "stubborn": await Task.detached { await self.released.wait() }.value
            case "fail":
                throw MartletError(
                    .failedPrecondition, "not today", retryAfter: .milliseconds(250), cause: Secret())
            case "big": return Self.answer(String(repeating: "x", count: Int(text) ?? 0))
            default: break
            }
            return Self.answer(text)
        }
    }

    static func answer(_ label: String) -> ClassifyAnswer {
        ClassifyAnswer(
            model: ModelIdentity(name: "echo", version: 1, digest: "d"),
            results: [
                TextResult(
                    scores: [LabelScore(label: label, index: 0, score: 1)], tokensRead: 3, tokensTotal: 3)
            ])
    }

    static func window(_ index: Int, bytes: Int) -> DocumentEvent {
        .window(
            WindowResult(
                index: index, span: TextSpan(byteStart: 0, byteEnd: bytes, characterStart: 0, characterEnd: bytes),
                tokens: 1, scores: [LabelScore(label: "a", index: 0, score: 0.5)]))
    }

    static func verdict(windows: Int, bytes: Int) -> DocumentEvent {
        .final(
            FinalVerdict(
                model: ModelIdentity(name: "echo", version: 1, digest: "d"), label: "a",
                scores: [LabelScore(label: "a", index: 0, score: 0.5)], windows: windows,
                coverage: Coverage(bytesReceived: bytes, bytesClassified: bytes, tokensClassified: bytes),
                stoppedEarly: false, aggregation: .mean, evidence: nil))
    }

    func classifyDocument(
        _ options: DocumentOptions, document: any DocumentSource, events: any DocumentEventSink, context: CallContext
    ) async throws(MartletError) {
        try await counted { () throws(MartletError) in
            var windows = 0
            var bytes = 0
            switch options.model.name {
            case "hold": try await hold()
            case "early":
                let reading = Task { _ = try? await document.next() }
                for _ in 0..<10 { await Task.yield() }
                reading.cancel()
                await reading.value
            case "unread":
                let sending = Task { while (try? await events.send(Self.window(0, bytes: 0))) != nil {} }
                for _ in 0..<10 { await Task.yield() }
                sending.cancel()
                await sending.value
                throw MartletError(.unavailable, "gave up")
            case "flood":
                while !Task.isCancelled {
                    try await events.send(Self.window(windows, bytes: 0))
                    windows += 1
                    note { $0.eventsSent += 1 }
                }
                throw MartletError(.cancelled, "stopped while flooding")
            default:
                while let chunk = try await document.next() {
                    bytes += chunk.count
                    note { $0.bytesRead += chunk.count }
                    try await events.send(Self.window(windows, bytes: chunk.count))
                    windows += 1
                    note { $0.eventsSent += 1 }
                    if options.model.name == "first" { break }
                }
            }
            try await events.send(Self.verdict(windows: windows, bytes: bytes))
        }
    }

    func listModels(named name: String?, context: CallContext) async throws(MartletError) -> [ModelStatus] {
        [ModelStatus(name: name ?? "all", version: 1, state: .ready, task: "text-classification")]
    }

    func model(_ reference: ModelReference, context: CallContext) async throws(MartletError) -> ModelStatus {
        guard reference.name != "missing" else { throw MartletError(.notFound, "no model is named missing") }
        return ModelStatus(name: reference.name, version: 7, state: .ready)
    }
}
