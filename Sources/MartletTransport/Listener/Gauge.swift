internal import Synchronization

/// A count of things that are alive, and a way to wait until none is.
final class Gauge: Sendable {
    private let state = Mutex(State())

    private struct State {
        var count = 0
        var nextWaiter = 0
        var waiters: [Int: CheckedContinuation<Bool, Never>] = [:]
    }

    var count: Int { state.withLock { $0.count } }

    func increment() { state.withLock { $0.count += 1 } }

    /// Counts one more unless there are `limit` already.
    func increment(below limit: Int) -> Bool {
        state.withLock { state in
            guard state.count < limit else { return false }
            state.count += 1
            return true
        }
    }

    func decrement() {
        let released = state.withLock { state -> [CheckedContinuation<Bool, Never>] in
            state.count -= 1
            guard state.count == 0, !state.waiters.isEmpty else { return [] }
            defer { state.waiters = [:] }
            return Array(state.waiters.values)
        }
        for waiter in released { waiter.resume(returning: true) }
    }

    /// Waits until nothing is counted.
    /// - Parameter giveUp: called once with a closure that ends the wait; the caller schedules it.
    /// - Returns: false when the wait was ended before.
    func waitForZero(giveUp: (@escaping @Sendable () -> Void) -> Void) async -> Bool {
        await withCheckedContinuation { continuation in
            let waiter = state.withLock { state -> Int? in
                guard state.count > 0 else { return nil }
                state.nextWaiter += 1
                state.waiters[state.nextWaiter] = continuation
                return state.nextWaiter
            }
            guard let waiter else { return continuation.resume(returning: true) }
            giveUp { self.state.withLock { $0.waiters.removeValue(forKey: waiter) }?.resume(returning: false) }
        }
    }
}
