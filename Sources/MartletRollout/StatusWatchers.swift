internal import MartletCore
internal import Synchronization

/// Who is told of every published change. Telling never waits: each watcher has room for one list, the newest.
final class StatusWatchers: Sendable {
    private struct Watcher {
        /// Only the versions of this model; nil for all.
        let name: String?
        let sink: AsyncStream<[ModelStatus]>.Continuation
        /// What it was told last, without leases.
        var told: [ModelStatus]?
    }

    private struct State {
        var watchers: [UInt64: Watcher] = [:]
        var next: UInt64 = 0
        var isOver = false
    }

    private let state = Mutex(State())

    /// The list now and after each change of it; ends with its reader's task, when the reader lets it go, and with
    /// `end()`.
    /// - Parameter board: what is published now.
    func add<Loaded>(named name: String?, board: () -> RolloutBoard<Loaded>) -> AsyncStream<[ModelStatus]> {
        let (stream, sink) = AsyncStream.makeStream(of: [ModelStatus].self, bufferingPolicy: .bufferingNewest(1))
        // Read under the lock, so that no change falls between the first list and the watch.
        let (number, isOver) = state.withLock { state in
            var watcher = Watcher(name: name, sink: sink)
            Self.tell(&watcher, board())
            state.next &+= 1
            if !state.isOver { state.watchers[state.next] = watcher }
            return (state.next, state.isOver)
        }
        if isOver {
            sink.finish()
        } else {
            sink.onTermination = { [weak self] _ in self?.remove(number) }
        }
        return stream
    }

    func tell<Loaded>(_ board: RolloutBoard<Loaded>) {
        state.withLock { state in
            for number in Array(state.watchers.keys) {
                guard var watcher = state.watchers[number] else { continue }
                Self.tell(&watcher, board)
                state.watchers[number] = watcher
            }
        }
    }

    /// Ends every stream, now and from now on.
    func end() {
        let sinks = state.withLock { state in
            state.isOver = true
            defer { state.watchers = [:] }
            return state.watchers.values.map(\.sink)
        }
        // Outside the lock: finishing calls `remove`.
        for sink in sinks { sink.finish() }
    }

    var count: Int { state.withLock { $0.watchers.count } }

    private func remove(_ number: UInt64) { state.withLock { _ = $0.watchers.removeValue(forKey: number) } }

    private static func tell<Loaded>(_ watcher: inout Watcher, _ board: RolloutBoard<Loaded>) {
        let name = watcher.name
        let now = board.statuses(named: name, countingLeases: false)
        guard now != watcher.told else { return }
        watcher.told = now
        watcher.sink.yield(board.statuses(named: name))
    }
}
