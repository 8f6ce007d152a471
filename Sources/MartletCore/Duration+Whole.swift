extension Duration {
    /// Rounded down; 0 for a negative duration, the largest number for one that is too long.
    package var wholeMicroseconds: UInt64 { whole(unitsPerSecond: 1_000_000) }
    /// As `wholeMicroseconds`.
    package var wholeNanoseconds: UInt64 { whole(unitsPerSecond: 1_000_000_000) }
    /// As `wholeMicroseconds`.
    package var wholeMilliseconds: UInt64 { whole(unitsPerSecond: 1_000) }

    private func whole(unitsPerSecond units: UInt64) -> UInt64 {
        let (seconds, attoseconds) = components
        guard seconds >= 0, attoseconds >= 0 else { return 0 }
        let (whole, overflow) = UInt64(seconds).multipliedReportingOverflow(by: units)
        if overflow { return .max }
        let (sum, carried) = whole.addingReportingOverflow(UInt64(attoseconds) / (1_000_000_000_000_000_000 / units))
        return carried ? .max : sum
    }
}
