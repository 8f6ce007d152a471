/// Time since it was made, on any clock: instants of different clocks cannot be stored side by side, durations can.
struct Stopwatch: Sendable {
    private let elapsed: @Sendable () -> Duration
    private let sleeping: @Sendable (Duration) async throws -> Void

    init(_ clock: some Clock<Duration>) {
        let start = clock.now
        elapsed = { start.duration(to: clock.now) }
        sleeping = { try await clock.sleep(until: start.advanced(by: $0), tolerance: nil) }
    }

    var now: Duration { elapsed() }

    /// - Throws: `CancellationError`.
    func sleep(until time: Duration) async throws { try await sleeping(time) }
}
