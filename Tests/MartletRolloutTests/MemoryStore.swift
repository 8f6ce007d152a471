import Foundation
import MartletCore
import MartletRollout
import Synchronization

/// Keeps every state that was ever saved, as the bytes that a file would hold.
final class MemoryStore: StateStore {
    private struct State {
        var saved: [Data] = []
        var failure: String?
    }

    private let state = Mutex(State())

    init(_ first: RolloutState? = nil) {
        if let first { try? save(first) }
    }

    func fail(_ reason: String?) { state.withLock { $0.failure = reason } }

    var count: Int { state.withLock { $0.saved.count } }

    /// A store that holds what this one held after `count` saves.
    func copy(after count: Int) -> MemoryStore {
        let copy = MemoryStore()
        let saved = state.withLock { Array($0.saved.prefix(count)) }
        copy.state.withLock { $0.saved = saved }
        return copy
    }

    func load() throws(MartletError) -> RolloutState? {
        let (bytes, failure) = state.withLock { ($0.saved.last, $0.failure) }
        if let failure { throw MartletError(.dataLoss, failure) }
        guard let bytes else { return nil }
        do {
            return try JSONDecoder().decode(RolloutState.self, from: bytes)
        } catch {
            throw MartletError(.dataLoss, "\(error)")
        }
    }

    func save(_ new: RolloutState) throws(MartletError) {
        do {
            let bytes = try JSONEncoder().encode(new)
            try state.withLock { state in
                if let failure = state.failure { throw MartletError(.resourceExhausted, failure) }
                state.saved.append(bytes)
            }
        } catch {
            throw MartletError(wrapping: error, while: "saving")
        }
        // What is read back is what was written.
        guard try load() == new else { throw MartletError(.dataLoss, "the state does not survive its own file") }
    }
}
