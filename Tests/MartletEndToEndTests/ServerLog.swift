import Foundation
import Synchronization

/// What a process says on standard error, line by line as it comes.
final class ServerLog: Sendable {
    private struct Waiting {
        var words: [String]
        var continuation: CheckedContinuation<String?, Never>
    }

    private struct State {
        var lines: [String] = []
        var isOver = false
        var waiting: [Waiting] = []
    }

    private let state = Mutex(State())

    /// Reads on a thread of its own until every writer has gone.
    func read(_ handle: FileHandle) {
        Thread.detachNewThread { [self] in
            var rest: [UInt8] = []
            while case let data = handle.availableData, !data.isEmpty {
                rest += data
                while let end = rest.firstIndex(of: 0x0A) {
                    add(String(decoding: rest[..<end], as: UTF8.self))
                    rest.removeSubrange(...end)
                }
            }
            finish()
        }
    }

    var lines: [String] { state.withLock { $0.lines } }

    /// The first line that holds all of `words`, once it is there; nil when the process ends without one.
    func line(with words: String...) async -> String? {
        await withCheckedContinuation { continuation in
            let (isKnown, found) = state.withLock { state -> (Bool, String?) in
                let found = state.lines.first { Self.holds($0, words) }
                if found == nil, !state.isOver {
                    state.waiting.append(Waiting(words: words, continuation: continuation))
                    return (false, nil)
                }
                return (true, found)
            }
            if isKnown { continuation.resume(returning: found) }
        }
    }

    private static func holds(_ line: String, _ words: [String]) -> Bool { words.allSatisfy { line.contains($0) } }

    private func add(_ line: String) {
        let met = state.withLock { state in
            state.lines.append(line)
            let met = state.waiting.filter { Self.holds(line, $0.words) }
            state.waiting.removeAll { Self.holds(line, $0.words) }
            return met
        }
        for one in met { one.continuation.resume(returning: line) }
    }

    private func finish() {
        let left = state.withLock { state in
            state.isOver = true
            defer { state.waiting = [] }
            return state.waiting
        }
        for one in left { one.continuation.resume(returning: nil) }
    }
}
