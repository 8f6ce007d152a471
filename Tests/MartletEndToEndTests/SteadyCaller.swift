import MartletClient
import MartletCore
import Synchronization

/// Somebody who calls a model again and again, one call after the other.
final class SteadyCaller: Sendable {
    struct Answer: Sendable, Equatable {
        var version: Int
        var label: String
    }

    private struct State {
        var isStopped = false
        var seen: [Answer] = []
        var count = 0
    }

    private let state = Mutex(State())
    private let task = Mutex<Task<Void, any Error>?>(nil)

    /// Begins to call.
    init(_ client: MartletClient) {
        let task = Task { [self] in
            // Whoever waits for an answer is not to wait for one that failed.
            defer { state.withLock { $0.isStopped = true } }
            while !state.withLock({ $0.isStopped }) {
                let (version, label) = try await client.answer()
                state.withLock { state in
                    state.count += 1
                    let answer = Answer(version: version, label: label)
                    if state.seen.last != answer { state.seen.append(answer) }
                }
            }
        }
        self.task.withLock { $0 = task }
    }

    /// Answers that are not as the one before.
    var seen: [Answer] { state.withLock { $0.seen } }
    var count: Int { state.withLock { $0.count } }

    /// Returns once the answers are from `version`.
    func isAnswered(by version: Int) async throws {
        while state.withLock({ $0.seen.last?.version }) != version {
            guard !state.withLock({ $0.isStopped }) else { throw MartletError(.aborted, "nobody calls any more") }
            await Task.yield()
        }
    }

    /// Ends after the call that goes on.
    /// - Throws: the error of a call.
    func stop() async throws {
        state.withLock { $0.isStopped = true }
        try await task.withLock { $0 }?.value
    }
}
