import MartletCore
import Synchronization

/// Draws a document's events: the heat strip while it runs, a line for each window that stands out, the verdict.
final class DocumentView: Sendable {
    private struct State {
        var reading: WindowReading
        var strip: HeatStrip
        var windows = 0
        var headed = false
    }

    private let name: String
    private let status: ModelStatus
    private let bytesTotal: Int?
    private let topK: Int
    private let allWindows: Bool
    private let isQuiet: Bool
    private let output = Output.standard
    private let progress: ProgressLine
    private let begun = ContinuousClock.now
    private let state: Mutex<State>
    let target: String?

    init(
        name: String, status: ModelStatus, focusLabel: String, bytesTotal: Int?, topK: Int, allWindows: Bool,
        isQuiet: Bool
    ) {
        self.name = name
        self.status = status
        self.bytesTotal = bytesTotal
        self.topK = topK
        self.allWindows = allWindows
        self.isQuiet = isQuiet
        let reading = WindowReading(focusLabel: focusLabel, classLabels: status.classLabels)
        target = reading.target
        // The status line also holds the bar and the counts.
        let cells = max(8, min(64, Output.error.columns - 56))
        state = Mutex(State(reading: reading, strip: HeatStrip(capacity: cells)))
        progress = ProgressLine(on: .error)
    }

    func begin() {
        guard !isQuiet else { return }
        let size = bytesTotal.map { "\(Quantity.count($0)) bytes" } ?? "size unknown"
        if output.isTerminal {
            output.line(output.styled("\(name), \(size), read by \(status.name)/\(status.version)", .bold))
        }
    }

    func note(_ event: DocumentEvent, bytesSent: Int) {
        switch event {
        case .window(let window):
            let (note, isFirst) = state.withLock { state in
                let note = state.reading.note(window)
                state.strip.append(note.heat)
                state.windows += 1
                let isFirst = !state.headed
                if allWindows || note.standsOut { state.headed = true }
                return (note, isFirst)
            }
            if !isQuiet, allWindows || note.standsOut {
                progress.above {
                    if isFirst, output.isTerminal { output.line(output.styled(Self.heading, .dim)) }
                    output.line(line(for: window, heat: note.heat))
                }
            }
            progress.show(statusLine(read: window.span.byteEnd))
        case .running(let verdict): progress.show(statusLine(read: verdict.coverage.bytesClassified))
        case .final: break
        }
    }

    func stop() { progress.clear() }

    private static let heading = "window                     bytes  tokens  label           score"

    private func line(for window: WindowResult, heat: Float) -> String {
        let best = window.scores.first
        let label = best?.label ?? "-"
        let score = best.map { Quantity.score($0.score) } ?? "-"
        let span = "\(Quantity.count(window.span.byteStart))–\(Quantity.count(window.span.byteEnd))"
        guard output.isTerminal else {
            let numbers = [window.index, window.span.byteStart, window.span.byteEnd, window.tokens].map(String.init)
            return (["window"] + numbers + [label, score]).joined(separator: "\t")
        }
        let columns = [
            padded(Quantity.count(window.index), 6, left: true), padded(span, 24, left: true),
            padded(String(window.tokens), 6, left: true), padded(label, 14, left: false), score,
        ]
        let bar = ScoreBar.text(heat, width: max(0, min(16, output.columns - 66)))
        let isTarget = label == target
        return output.styled(columns.joined(separator: "  "), isTarget ? .boldRed : .dim) + "  "
            + (isTarget ? output.styled(bar, .red) : bar)
    }

    private func padded(_ text: String, _ width: Int, left: Bool) -> String {
        let space = String(repeating: " ", count: max(0, width - text.count))
        return left ? space + text : text + space
    }

    private func statusLine(read: Int) -> String {
        let (strip, windows) = state.withLock { ($0.strip.text(for: .error), $0.windows) }
        let time = Quantity.time(begun.duration(to: .now))
        guard let total = bytesTotal, total > 0 else {
            return "\(strip) \(Quantity.bytes(read)), \(windows) windows, \(time)"
        }
        let fraction = min(1, Double(read) / Double(total))
        let bar = ProgressLine.bar(fraction, width: 10)
        return "\(strip) \(bar) \(Quantity.percent(fraction)) of \(Quantity.bytes(total)), "
            + "\(Quantity.count(windows)) windows, \(time)"
    }

    // MARK: The end

    func end(_ verdict: FinalVerdict, passage: Passage?) {
        output.isTerminal ? drawEnd(verdict, passage) : printEnd(verdict, passage)
    }

    private func drawEnd(_ verdict: FinalVerdict, _ passage: Passage?) {
        let strip = state.withLock { $0.strip.text(for: output) }
        let isTarget = target != nil && verdict.label == target
        let score = verdict.scores.first.map { Quantity.score($0.score) } ?? "-"
        let rule = AggregationChoice(verdict.aggregation).rawValue
        var table: [(String, String)] = []
        if verdict.windows > 1 { table.append((target.map { "heat of \($0)" } ?? "confidence", strip)) }
        table.append(
            (
                "verdict",
                output.styled(
                    verdict.label.isEmpty ? "no text to classify" : "\(verdict.label) \(score)",
                    isTarget ? .boldRed : .boldGreen)
                    + output.styled(" (\(rule) of \(Quantity.count(verdict.windows)) windows)", .dim)
            ))
        let others = verdict.scores.dropFirst().prefix(topK == 0 ? 4 : topK - 1)
        if !others.isEmpty {
            table.append(("others", others.map { "\($0.label) \(Quantity.score($0.score))" }.joined(separator: ", ")))
        }
        table.append(("read", coverage(verdict)))
        if let evidence = verdict.evidence {
            table.append(
                (
                    "evidence",
                    "window \(Quantity.count(evidence.index)), \(bytes(evidence.span.byteStart, evidence.span.byteEnd))"
                ))
        }
        if let passage, let score = passage.score {
            table.append(
                (
                    "passage",
                    "\(bytes(passage.bytes.lowerBound, passage.bytes.upperBound)), "
                        + "\(verdict.label) \(Quantity.score(score)) in short windows"
                ))
        }
        let width = table.map(\.0.count).max() ?? 0
        for (name, value) in table {
            output.line(output.styled(padded(name, width, left: false), .dim) + "  " + value)
        }
        if let passage {
            for line in Excerpt.wrapped(passage.text, width: output.columns - width - 5, lines: 7) {
                output.line(String(repeating: " ", count: width) + output.styled("  │ ", .dim) + line)
            }
        }
        output.line(
            output.styled(padded("model", width, left: false), .dim)
                + "  \(verdict.model.name)/\(verdict.model.version) \(verdict.model.digest.prefix(12))")
    }

    private func printEnd(_ verdict: FinalVerdict, _ passage: Passage?) {
        let score = verdict.scores.first.map { Quantity.score($0.score) } ?? "-"
        output.line("verdict\t\(verdict.label.isEmpty ? "-" : verdict.label)\t\(score)")
        output.line("read\t\(verdict.coverage.bytesClassified)\t\(verdict.coverage.bytesReceived)\t\(verdict.windows)")
        if let evidence = verdict.evidence {
            output.line("evidence\t\(evidence.index)\t\(evidence.span.byteStart)\t\(evidence.span.byteEnd)")
        }
        if let passage {
            output.line(
                "passage\t\(passage.bytes.lowerBound)\t\(passage.bytes.upperBound)\t\(Excerpt.oneLine(passage.text))")
        }
        output.line("model\t\(verdict.model.name)\t\(verdict.model.version)\t\(verdict.model.digest)")
    }

    private func coverage(_ verdict: FinalVerdict) -> String {
        let covered = verdict.coverage
        let seconds = verdict.timing.total / .seconds(1)
        let speed = seconds > 0 ? Int(exactly: (Double(covered.bytesClassified) / seconds).rounded()) : nil
        let pace = speed.map { ", \(Quantity.bytes($0))/s" } ?? ""
        var text =
            "\(Quantity.percent(covered.fraction)) of \(Quantity.count(covered.bytesReceived)) bytes, "
            + "\(Quantity.count(covered.tokensClassified)) tokens in \(Quantity.time(verdict.timing.total))\(pace)"
        if verdict.stoppedEarly { text += "; stopped early, as --min-confidence asked" }
        return text
    }

    private func bytes(_ start: Int, _ end: Int) -> String { "bytes \(Quantity.count(start))–\(Quantity.count(end))" }
}
