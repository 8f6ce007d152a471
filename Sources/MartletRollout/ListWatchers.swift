internal import Synchronization

/// What is published for watchers to read: a list, of all models or of one.
protocol WatchedBoard<Element>: Sendable {
    associatedtype Element: Sendable & Equatable

    func list(named name: String?) -> [Element]
    /// The same without what changes all the time: only when this changes, watchers are told.
    func telling(named name: String?) -> [Element]
}

/// Who is told of every published change. Telling never waits: each watcher has room for one list, the newest.
final class ListWatchers<Board: WatchedBoard>: Sendable {
    private struct Watcher {
        /// Only what is of this model; nil for all.
        let name: String?
        let sink: AsyncStream<[Board.Element]>.Continuation
        /// What it was told last.
        var told: [Board.Element]?
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
    func add(named name: String?, board: () -> Board) -> AsyncStream<[Board.Element]> {
        let (stream, sink) = AsyncStream.makeStream(of: [Board.Element].self, bufferingPolicy: .bufferingNewest(1))
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

    func tell(_ board: Board) {
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

    private static func tell(_ watcher: inout Watcher, _ board: Board) {
        let now = board.telling(named: watcher.name)
        guard now != watcher.told else { return }
        watcher.told = now
        watcher.sink.yield(board.list(named: watcher.name))
    }
}
