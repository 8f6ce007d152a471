/// A point on the monotonic clock after which nobody waits for an answer any more.
public struct Deadline: Sendable, Hashable {
    /// Nil: no deadline.
    public let instant: ContinuousClock.Instant?

    public init(_ instant: ContinuousClock.Instant?) { self.instant = instant }

    public static let none = Deadline(nil)

    /// The deadline `duration` from now. A duration of zero or less has already passed.
    public static func after(_ duration: Duration) -> Deadline { Deadline(.now.advanced(by: duration)) }

    public var hasPassed: Bool {
        guard let instant else { return false }
        return ContinuousClock.now >= instant
    }

    /// Time left, zero when passed, nil when there is no deadline.
    public var remaining: Duration? {
        guard let instant else { return nil }
        return max(.zero, ContinuousClock.now.duration(to: instant))
    }
}
