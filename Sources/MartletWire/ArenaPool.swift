internal import Synchronization

/// A few warm arenas for whoever decodes or encodes next, on any thread.
package final class ArenaPool: Sendable {
    /// Arenas kept while nobody uses them; more are made and dropped under a rush.
    private static let idleMax = 16

    private let idle = Mutex<[Arena]>([])

    package init() {}

    /// Lends an arena for the length of `body`. Nothing in the arena may outlive `body`.
    package func withArena<Result, Failure>(
        budget: Int, _ body: (Arena) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        let arena = idle.withLock { $0.popLast() } ?? Arena(budget: budget)
        arena.reset(budget: budget)
        defer {
            arena.reset(budget: .max)
            idle.withLock { if $0.count < Self.idleMax { $0.append(arena) } }
        }
        return try body(arena)
    }
}
