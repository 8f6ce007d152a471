internal import Histogram
internal import MartletCore

/// How a version's calls ended in a stretch of time: what a rollout's rules look at.
package struct CallFigures: Sendable {
    /// Calls that ended, failed ones included.
    package private(set) var calls = 0
    /// Calls that failed through the server's fault; a caller's mistake is none.
    package private(set) var failures = 0
    // Microseconds with two digits up to ten minutes: 14 KiB.
    private var times = Histogram<UInt32>(
        lowestDiscernibleValue: 1, highestTrackableValue: longest, numberOfSignificantValueDigits: .two)

    private static let longest: UInt64 = 600_000_000

    package init() {}

    /// - Parameter time: from the call's start to its answer; not asked of a call that failed.
    package mutating func answered(in time: Duration) {
        calls += 1
        times.record(min(time.wholeMicroseconds, Self.longest))
    }

    package mutating func failed() {
        calls += 1
        failures += 1
    }

    package mutating func add(_ other: CallFigures) {
        calls += other.calls
        failures += other.failures
        times.add(other.times)
    }

    /// The time that `percent` of the answered calls did not exceed; zero without any.
    package func time(atPercentile percent: Double) -> Duration {
        times.totalCount == 0 ? .zero : .microseconds(Int64(clamping: times.valueAtPercentile(percent)))
    }

    /// Calls that were answered.
    package var answered: Int { calls - failures }
}
