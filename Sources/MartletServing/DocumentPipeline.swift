internal import MartletCore
internal import MartletRollout
internal import MartletScheduling
internal import MartletText

/// Reads one document as it arrives and answers it window by window.
///
/// Two tasks: one tokenizes chunks on the compute pool and submits windows, one waits for answers in order and sends
/// events. Between them at most `windowsInFlight` windows exist, so memory is bounded by the window, not the document.
struct DocumentPipeline: Sendable {
    private struct PendingWindow: Sendable {
        let window: Window
        let ticket: AnswerTicket
        let bytesReceived: Int
    }

    let lease: Lease<ServedModel>
    let head: ClassificationHead
    let options: DocumentOptions
    let rule: DocumentJudge.Rule
    let windowTokens: Int
    let strideTokens: Int
    let limits: Limits
    let pool: ComputePool<InferenceWork>
    let priority: WorkPriority
    let context: CallContext

    private var model: ServedModel { lease.loaded }
    private var windowsInFlight: Int { max(4, 2 * limits.batchTokensMax / windowTokens) }

    /// Bytes tokenized in one job, so that a large chunk does not hold a worker for long. Fewer where a small stride
    /// makes many windows of few bytes: all windows of a job exist at once, and are to take 1 MiB at most.
    private var jobBytes: Int {
        // A token has at least one byte, and a window some 128 besides its ids.
        let windows = (1 << 20) / (4 * windowTokens + 128)
        return min(64 << 10, max(64, windows * strideTokens))
    }

    /// Reads to the end or to an early stop; the last event sent is the final verdict.
    ///
    /// Ends too when the lease is revoked: a client that neither sends nor reads must not hold the memory of a version
    /// that has to go.
    func run(document: any DocumentSource, events: any DocumentEventSink) async throws(MartletError) {
        let (untilRevoked, revoked) = AsyncStream<Never>.makeStream()
        lease.whenRevoked { revoked.finish() }
        do {
            try await withThrowingTaskGroup(of: Bool.self) { group in
                group.addTask {
                    try await judge(document, events)
                    return true
                }
                group.addTask {
                    for await _ in untilRevoked {}
                    if lease.isRevoked { throw lease.revocationError }
                    return false
                }
                // A cancelled call ends the wait for the revocation first, and is judged by how its document ends.
                while let isJudged = try await group.next(), !isJudged {}
                group.cancelAll()
            }
        } catch {
            throw MartletError(wrapping: error, while: "reading the document")
        }
    }

    private func judge(_ document: any DocumentSource, _ events: any DocumentEventSink) async throws {
        let queue = WindowQueue<PendingWindow>(capacity: windowsInFlight)
        try await withThrowingTaskGroup(of: Int?.self) { group in
            group.addTask {
                defer { queue.end() }
                return try await read(document, into: queue)
            }
            var answerer = Answerer(pipeline: self, events: events)
            let stopped: Bool
            do {
                stopped = try await answerer.answer(from: queue)
            } catch {
                Self.drop(queue)
                group.cancelAll()
                throw error
            }
            var received = answerer.bytesReceived
            if stopped {
                Self.drop(queue)
                group.cancelAll()
            } else if let total = try await group.next() ?? nil {
                received = total
            }
            try await answerer.finish(bytesReceived: received, stoppedEarly: stopped)
        }
    }

    /// Nobody waits for what is still queued, so no worker computes it.
    private static func drop(_ queue: WindowQueue<PendingWindow>) {
        for pending in queue.abandon() {
            pending.ticket.fail(MartletError(.cancelled, "the document ended before this window's turn"))
        }
    }

    /// Tokenizes the document into windows. Returns its bytes.
    private func read(_ document: any DocumentSource, into queue: WindowQueue<PendingWindow>) async throws -> Int {
        let tokens = try DocumentTokens(
            tokenizer: model.tokenizer, windowTokens: windowTokens, strideTokens: strideTokens)
        var received = 0
        while let chunk = try await document.next() {
            received += chunk.count
            guard received <= limits.documentBytesMax else {
                throw MartletError(
                    .resourceExhausted,
                    "the document is longer than \(limits.documentBytesMax) bytes (documentBytesMax); send it in parts")
            }
            var start = chunk.startIndex
            while start < chunk.endIndex {
                let end = min(start + jobBytes, chunk.endIndex)
                let piece = Array(chunk[start..<end])
                start = end
                let windows = try await onPool(bytes: piece.count) { () throws(MartletError) in
                    try tokens.append(piece)
                }
                guard try await submit(windows, bytesReceived: received, to: queue) else { return received }
            }
        }
        let last = try await onPool(bytes: 0) { () throws(MartletError) in try tokens.finish() }
        _ = try await submit(last, bytesReceived: received, to: queue)
        return received
    }

    private func submit(
        _ windows: [Window], bytesReceived: Int, to queue: WindowQueue<PendingWindow>
    ) async throws -> Bool {
        for window in windows {
            try Task.checkCancellation()
            let pending = PendingWindow(window: window, ticket: AnswerTicket(count: 1), bytesReceived: bytesReceived)
            // Put first: the queue's bound is what keeps a fast document from filling the pool.
            guard await queue.put(pending) else { return false }
            let sequence = TokenSequence(ids: window.ids, tokensTotal: window.ids.count)
            let work = InferenceWork(
                .sequence(sequence), lease: lease, costTokens: window.ids.count, priority: priority,
                deadline: context.deadline, ticket: pending.ticket)
            do {
                try pool.submit(work)
            } catch {
                pending.ticket.fail(error)
                throw error
            }
        }
        return true
    }

    /// Runs `body` on the compute pool: tokenizing never takes an event loop's time.
    private func onPool(
        bytes: Int, _ body: @escaping @Sendable () throws(MartletError) -> [Window]
    ) async throws(MartletError) -> [Window] {
        try await pool.perform(
            costTokens: InferenceWork.tokenizingCost(bytes: bytes), priority: priority, deadline: context.deadline, body)
    }

    /// Sends answers in window order and keeps the verdict.
    private struct Answerer {
        let pipeline: DocumentPipeline
        let events: any DocumentEventSink
        var judge: DocumentJudge
        var bytesReceived = 0
        var bytesClassified = 0
        var timing = CallTiming()

        init(pipeline: DocumentPipeline, events: any DocumentEventSink) {
            self.pipeline = pipeline
            self.events = events
            judge = DocumentJudge(head: pipeline.head, rule: pipeline.rule)
        }

        /// True when the verdict was certain enough to stop before the end.
        mutating func answer(from queue: WindowQueue<PendingWindow>) async throws -> Bool {
            let options = pipeline.options
            while let pending = await queue.take() {
                let answers = try await pending.ticket.answers()
                guard let answer = answers.first else { continue }
                guard !pipeline.lease.isRevoked else {
                    throw pipeline.lease.revocationError
                }
                timing.queue += answer.queue
                timing.compute += answer.compute
                let head = pipeline.head
                let scores = head.scores(of: answer.values[...])
                let window = pending.window
                let result = WindowResult(
                    index: window.index, span: window.span, tokens: window.ids.count,
                    scores: head.ranked(scores, topK: options.topK))
                judge.add(scores, newTokens: window.newTokens, window: result)
                bytesReceived = max(bytesReceived, pending.bytesReceived)
                bytesClassified = window.span.byteEnd
                if options.emitWindows { try await events.send(.window(result)) }
                if options.emitRunning {
                    try await events.send(
                        .running(
                            RunningVerdict(
                                windows: judge.windows, scores: head.ranked(judge.scores(), topK: options.topK),
                                coverage: coverage)))
                }
                if judge.isDecided(minConfidence: options.minConfidence)
                    || (judge.rule.aggregation == .first && judge.windows == 1)
                {
                    return true
                }
            }
            return false
        }

        mutating func finish(bytesReceived total: Int, stoppedEarly: Bool) async throws {
            bytesReceived = total
            // Read to the end, what lies behind the last token is white space.
            if !stoppedEarly { bytesClassified = total }
            let head = pipeline.head
            let scores = judge.scores()
            let ranked = head.ranked(scores, topK: 0)
            let best = judge.windows > 0 ? ranked.first : nil
            timing.total = pipeline.context.arrival.duration(to: .now)
            let topK = pipeline.options.topK
            try await events.send(
                .final(
                    FinalVerdict(
                        model: pipeline.lease.identity, label: best?.label ?? "",
                        scores: topK == 0 ? ranked : Array(ranked.prefix(topK)), windows: judge.windows,
                        coverage: coverage, stoppedEarly: stoppedEarly, aggregation: judge.rule.aggregation,
                        evidence: best.flatMap { judge.evidence(for: $0.index) }, timing: timing)))
        }

        private var coverage: Coverage {
            Coverage(
                bytesReceived: bytesReceived, bytesClassified: bytesClassified, tokensClassified: judge.tokens)
        }
    }
}
