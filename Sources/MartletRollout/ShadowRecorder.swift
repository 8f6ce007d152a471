package import MartletCore
internal import Synchronization

/// Gathers what a route's shadow answers beside its callers. One for as long as the shadow is the same; told from any
/// thread.
package final class ShadowRecorder: Sendable {
    private struct Sums {
        var comparison: ShadowComparison
        var caller = CallFigures()
        var shadow = CallFigures()
        var intervalTexts = 0
        var intervalAgreed = 0
    }

    private let sums: Mutex<Sums>
    package let version: Int

    package init(version: Int) {
        self.version = version
        sums = Mutex(Sums(comparison: ShadowComparison(version: version)))
    }

    /// One copied call, both of whose answers are there.
    /// - Parameter texts: of each text, whether the answers agree, and how far they lie apart
    ///   (`ShadowComparison.drift`).
    package func compared(
        _ texts: [(agrees: Bool, drift: Double)], callerTime: Duration, shadowTime: Duration
    ) {
        sums.withLock { sums in
            for text in texts {
                // A NaN is as far as an answer can be.
                let drift = text.drift.isNaN ? .infinity : text.drift
                let bounds = ShadowComparison.driftBounds
                sums.comparison.drift[bounds.firstIndex { drift <= $0 } ?? bounds.count] += 1
                sums.comparison.driftMax = max(sums.comparison.driftMax, drift)
                sums.comparison.agreed += text.agrees ? 1 : 0
                sums.intervalAgreed += text.agrees ? 1 : 0
            }
            sums.comparison.texts += texts.count
            sums.intervalTexts += texts.count
            sums.caller.answered(in: callerTime)
            sums.shadow.answered(in: shadowTime)
        }
    }

    /// A copied call that the shadow failed.
    package func failed() { sums.withLock { $0.comparison.failures += 1 } }

    /// A copy that was given up before it began.
    package func skipped() { sums.withLock { $0.comparison.skipped += 1 } }

    package var comparison: ShadowComparison {
        sums.withLock { sums in
            var comparison = sums.comparison
            comparison.callerP50 = sums.caller.time(atPercentile: 50)
            comparison.callerP99 = sums.caller.time(atPercentile: 99)
            comparison.shadowP50 = sums.shadow.time(atPercentile: 50)
            comparison.shadowP99 = sums.shadow.time(atPercentile: 99)
            return comparison
        }
    }

    /// Texts since the last time this was asked, and how many of them agreed. One asker.
    package func takeInterval() -> (texts: Int, agreed: Int) {
        sums.withLock { sums in
            defer { (sums.intervalTexts, sums.intervalAgreed) = (0, 0) }
            return (sums.intervalTexts, sums.intervalAgreed)
        }
    }
}
