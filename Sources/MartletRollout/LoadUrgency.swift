internal import Synchronization

/// Who waits for a load: more may while it runs, and it never falls again.
package final class LoadUrgency: Sendable {
    package enum Level: Int, Sendable, Comparable {
        /// Another version of the model answers.
        case none
        /// The model has no version that answers; other models have.
        case unanswered
        /// Calls or a rollback wait, or no model answers.
        case awaited

        package static func < (left: Level, right: Level) -> Bool { left.rawValue < right.rawValue }
    }

    private let rank = Atomic(Level.none.rawValue)

    package init() {}

    package var level: Level { Level(rawValue: rank.load(ordering: .relaxed)) ?? .awaited }

    /// For the manager's actor alone: two at once might lower it.
    package func raise(to level: Level) {
        if level > self.level { rank.store(level.rawValue, ordering: .relaxed) }
    }
}
