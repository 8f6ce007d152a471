import MartletCore
import MartletScheduling

/// Plays a script against a queue in its own time, so that what runs when reads as a text.
///
/// `+ name model tokens [class] [by ms] [alone]` submits (several works separated by `,` as one call), `cancel name`,
/// `pass ms` moves time on, `next [idle]` takes a batch, `measured tokens ms` is a batch that was run.
final class QueueTranscript {
    private let start = ContinuousClock.now
    private var now: ContinuousClock.Instant
    private var queue: BatchQueue<FakeWork>
    private var models: [String: FakeModel] = [:]
    private var works: [String: FakeWork] = [:]

    init(batch: Int, queue tokens: Int, split: Int = 0, workers: Int = 1) {
        now = start
        var settings = BatchQueue<FakeWork>.Settings(batchTokensMax: batch, queueTokensMax: tokens, workers: workers)
        settings.splitTokensMin = split
        queue = BatchQueue(settings)
    }

    func play(_ script: String) -> String {
        var lines: [String] = []
        for line in script.split(separator: "\n") where line.hasPrefix("> ") {
            lines.append(String(line))
            lines += run(line.dropFirst(2).split(separator: " ").map(String.init))
        }
        return lines.joined(separator: "\n")
    }

    private func run(_ words: [String]) -> [String] {
        switch words[0] {
        case "+": return submit(words.dropFirst().split(separator: ",").map { Array($0) })
        case "cancel": works[words[1]]?.cancel()
        case "pass": now = now.advanced(by: .milliseconds(Int(words[1]) ?? 0))
        case "measured": queue.recordRun(tokens: Int(words[1]) ?? 0, in: .milliseconds(Int(words[2]) ?? 0))
        case "waiting": return ["\(queue.queuedWorks) works, \(queue.queuedTokens) tokens"]
        case "next":
            let batch = queue.nextBatch(at: now, idleWorkers: words.count > 1 ? Int(words[1]) ?? 0 : 0)
            if batch.isEmpty { return ["nothing"] }
            let refused = batch.refused.map { "refuse \($0.work.name): \($0.error.code)" }
            return refused + (batch.works.isEmpty ? [] : ["run \(batch.works.map(\.name).joined(separator: " "))"])
        default: return ["unknown command"]
        }
        return []
    }

    private func submit(_ calls: [[String]]) -> [String] {
        let batch = calls.map { words in
            var work = (priority: WorkPriority.standard, deadline: Deadline.none)
            var rest = words.dropFirst(3)
            while let word = rest.popFirst() {
                switch word {
                case "interactive": work.priority = .interactive
                case "bulk": work.priority = .bulk
                case "by": work.deadline = Deadline(start.advanced(by: .milliseconds(Int(rest.popFirst() ?? "") ?? 0)))
                default: break
                }
            }
            let model = models[words[1]] ?? FakeModel()
            models[words[1]] = model
            let fake = FakeWork(
                words[0], tokens: Int(words[2]) ?? 0, model: model, priority: work.priority, deadline: work.deadline,
                sharesBatches: !words.contains("alone"))
            works[words[0]] = fake
            return fake
        }
        do throws(MartletError) {
            try queue.admit(batch, at: now)
            return []
        } catch {
            let hint = error.retryAfter.map { " (retry after \($0 / .milliseconds(1)) ms)" } ?? ""
            return ["\(error.code)\(hint)"]
        }
    }
}
