import Synchronization

/// A line at the bottom of a terminal that is drawn over again. Draws nothing where there is no terminal.
///
/// Everything else that is written meanwhile goes through `above`, so that the two never mix.
package final class ProgressLine: Sendable {
    private let output: Output
    private let isShown: Bool
    /// The text drawn now and when; nil when the line is clear.
    private let drawn = Mutex<(text: String, at: ContinuousClock.Instant)?>(nil)

    package init(on output: Output = .error, enabled: Bool = true) {
        self.output = output
        isShown = enabled && output.isTerminal
    }

    /// Shows `text`, cut to the terminal's width; at most twenty times a second unless `force`.
    package func show(force: Bool = false, _ text: @autoclosure () -> String) {
        guard isShown else { return }
        drawn.withLock { drawn in
            let now = ContinuousClock.now
            if !force, let last = drawn, last.at.duration(to: now) < .milliseconds(50) { return }
            let line = Self.cut(text(), to: max(1, output.columns - 1))
            output.write("\r\u{1B}[2K" + line)
            drawn = (line, now)
        }
    }

    /// Clears the line, lets `body` write, and draws the line again below.
    package func above(_ body: () -> Void) {
        drawn.withLock { drawn in
            if drawn != nil { output.write("\r\u{1B}[2K") }
            body()
            if let last = drawn { output.write(last.text) }
        }
    }

    package func clear() {
        drawn.withLock { drawn in
            if drawn != nil { output.write("\r\u{1B}[2K") }
            drawn = nil
        }
    }

    /// The first `columns` characters that show; colour sequences take no room and are always kept.
    package static func cut(_ text: String, to columns: Int) -> String {
        var kept = ""
        var shown = 0
        var inSequence = false
        for character in text {
            if inSequence {
                kept.append(character)
                inSequence = character != "m"
            } else if character == "\u{1B}" {
                kept.append(character)
                inSequence = true
            } else if shown < columns {
                kept.append(character)
                shown += 1
            }
        }
        return kept
    }

    /// A bar such as `━━━━━╸     ` of `width` characters for a fraction in 0...1.
    package static func bar(_ fraction: Double, width: Int) -> String {
        guard width > 0 else { return "" }
        let clamped = fraction.isFinite ? min(1, max(0, fraction)) : 0
        let halves = Int((clamped * Double(width * 2)).rounded(.down))
        let full = halves / 2
        let half = halves % 2
        return String(repeating: "━", count: full) + (half == 1 ? "╸" : "")
            + String(repeating: " ", count: width - full - half)
    }
}
