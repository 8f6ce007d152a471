/// Tokens per second of one worker, from what its last batches took. Old batches fade out.
package struct ThroughputMeter: Sendable {
    /// Share of the past that one more batch leaves: about the last 20 batches count.
    private static let kept = 0.95

    private var tokens = 0.0
    private var seconds = 0.0

    package init() {}

    /// A worker ran `tokens` in `time`. Slow batches weigh by their time, so the ratio is what a queue drains with.
    package mutating func record(tokens: Int, in time: Duration) {
        self.tokens = self.tokens * Self.kept + Double(tokens)
        seconds = seconds * Self.kept + max(time / .seconds(1), 1e-9)
    }

    /// Nil before the first batch.
    package var tokensPerSecond: Double? { seconds > 0 ? tokens / seconds : nil }
}
