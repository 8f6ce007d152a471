import MartletCore

/// Reads a document's windows as they come and says how much each stands out. Pure.
package struct WindowReading {
    /// The label looked for: the focus label, else the second of two (`SAFE`, `INJECTION`), else none.
    package let target: String?
    private var lastBest: String?

    package init(focusLabel: String, classLabels: [String]) {
        target = !focusLabel.isEmpty ? focusLabel : classLabels.count == 2 ? classLabels.last : nil
    }

    package struct Note {
        /// 0...1: the score of the target, or of the best label where there is no target.
        package var heat: Float
        /// Worth a line of its own: its best label is the target, or another than the window before had.
        package var standsOut: Bool
    }

    package mutating func note(_ window: WindowResult) -> Note {
        guard let best = window.scores.first else { return Note(heat: 0, standsOut: false) }
        defer { lastBest = best.label }
        let heat = target.map { target in window.scores.first { $0.label == target }?.score ?? 0 } ?? best.score
        return Note(heat: heat, standsOut: best.label == target || best.label != lastBest)
    }
}
