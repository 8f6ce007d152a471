/// A score in 0...1 as a bar, to an eighth of a character.
package enum ScoreBar {
    private static let parts: [Character] = ["▏", "▎", "▍", "▌", "▋", "▊", "▉"]

    package static func text(_ score: Float, width: Int) -> String {
        guard score.isFinite, width > 0 else { return "" }
        let eighths = Int((min(1, max(0, score)) * Float(width * 8)).rounded())
        let rest = eighths % 8
        return String(repeating: "█", count: eighths / 8) + (rest > 0 ? String(Self.parts[rest - 1]) : "")
    }
}
