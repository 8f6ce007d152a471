internal import Synchronization

/// Whether somebody waits for a load: it may become so while it runs, and stays so.
package final class LoadUrgency: Sendable {
    private let awaited = Atomic(false)

    package init() {}

    package var isAwaited: Bool { awaited.load(ordering: .relaxed) }

    package func hasten() { awaited.store(true, ordering: .relaxed) }
}
