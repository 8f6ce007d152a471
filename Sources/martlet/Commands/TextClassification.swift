import MartletClient
import MartletCore

/// `martlet classify` for texts: sends them in lists, prints the answers in order.
struct TextClassification: Sendable {
    let texts: [String]
    let file: String?
    let pair: String?
    let model: ModelReference
    let overflow: OverflowPolicy
    let topK: Int
    let failOn: [String]
    let json: Bool
    let connection: ConnectionOptions

    func run() async throws {
        var batches = try TextBatches(texts: texts, file: file)
        let timeout = try connection.deadline()
        let isSingle = texts.count == 1
        var failed: String?
        // One connection for all; a call at a time keeps the answers in order.
        let client = try await connection.connect()
        do {
            while let texts = try batches.next() {
                let inputs = texts.map { TextInput($0, pair: pair) }
                let answer = try await client.classify(
                    ClassifyRequest(model: model, inputs: inputs, overflow: overflow, topK: topK), timeout: timeout)
                for (input, result) in zip(inputs, answer.results) {
                    show(result, of: answer, text: input.text, alone: isSingle)
                    if let best = result.scores.first?.label, failOn.contains(best) { failed = best }
                }
            }
        } catch {
            await client.close()
            throw error
        }
        await client.close()
        if let failed { throw CommandFailure(.checkFailed, "a text was classified as \(failed) (--fail-on)") }
    }

    private func show(_ result: TextResult, of answer: ClassifyAnswer, text: String, alone: Bool) {
        let output = Output.standard
        if json {
            output.line(JSONText.line(AnswerJSON.Text(result, of: answer)))
        } else if alone, output.isTerminal {
            var table = Table([("", .left), ("", .right), ("", .left)])
            for score in result.scores {
                table.append([score.label, Quantity.score(score.score), ScoreBar.text(score.score, width: 24)])
            }
            table.lines().forEach { output.line($0) }
            output.line(output.styled(Self.footnote(result, of: answer), .dim))
        } else {
            let best = result.scores.first
            let columns = [best?.label ?? "-", best.map { Quantity.score($0.score) } ?? "-"]
            let shown = Excerpt.oneLine(text)
            if output.isTerminal {
                let label = columns[0] + String(repeating: " ", count: max(0, 14 - columns[0].count))
                output.line(ProgressLine.cut("\(label) \(columns[1])  \(shown)", to: output.columns))
            } else if alone {
                for score in result.scores { output.line("\(score.label)\t\(Quantity.score(score.score))") }
            } else {
                output.line((columns + [shown]).joined(separator: "\t"))
            }
        }
    }

    private static func footnote(_ result: TextResult, of answer: ClassifyAnswer) -> String {
        var parts = ["\(answer.model.name)/\(answer.model.version) \(answer.model.digest.prefix(12))"]
        parts.append(
            result.truncated
                ? "read \(result.tokensRead) of \(result.tokensTotal) tokens" : "\(result.tokensTotal) tokens")
        if result.windows > 1 { parts.append("\(result.windows) windows") }
        parts.append("\(Quantity.time(answer.timing.total)) on the server")
        return parts.joined(separator: " · ")
    }
}
