import MartletCore
import MartletRollout
import Synchronization

/// A loaded version that holds nothing; its ledger knows when it was freed.
final class FakeVersion: LoadedVersion {
    let id: VersionID
    let status: LoadedStatus
    let serial: Int
    private let ledger: Ledger

    init(_ version: AspiredVersion, ledger: Ledger) {
        id = version.id
        status = LoadedStatus(
            digest: "sha-\(version.fingerprint)", classLabels: ["NO", "YES"], task: "text-classification",
            maxTokens: 64, memoryBytes: 1_000)
        self.ledger = ledger
        serial = ledger.born()
    }

    deinit { ledger.freed(serial) }

    func takeFigures() -> CallFigures { CallFigures() }

    var isAlive: Bool { ledger.isAlive(serial) }
}

/// Which objects live; an object freed twice would show here.
final class Ledger: Sendable {
    private let state = Mutex<(next: Int, living: Set<Int>, doubleFrees: Int)>((0, [], 0))

    func born() -> Int {
        state.withLock { state in
            state.next += 1
            state.living.insert(state.next)
            return state.next
        }
    }

    func freed(_ serial: Int) {
        state.withLock { if $0.living.remove(serial) == nil { $0.doubleFrees += 1 } }
    }

    func isAlive(_ serial: Int) -> Bool { state.withLock { $0.living.contains(serial) } }
    var living: Int { state.withLock { $0.living.count } }
    var total: Int { state.withLock { $0.next } }
    var doubleFrees: Int { state.withLock { $0.doubleFrees } }
}

/// A loader that does what the test says: fails some versions, holds others before their last step.
final class ScriptedLoader: VersionLoader {
    func memoryNeeded(_ version: AspiredVersion) async throws(MartletError) -> Int { 1_000 }

    private struct State {
        var failures: [VersionID: String] = [:]
        var held: Set<VersionID> = []
        var atGate: [VersionID: CheckedContinuation<Void, Never>] = [:]
        var loading: Set<VersionID> = []
        var loadsAtOnce = 0
        var sameVersionTwice = 0
        /// Steps of other tasks to let by in each stage.
        var yields = 0
    }

    let ledger = Ledger()
    private let state = Mutex(State())

    func fail(_ id: VersionID, _ reason: String?) { state.withLock { $0.failures[id] = reason } }
    func hold(_ id: VersionID) { state.withLock { _ = $0.held.insert(id) } }
    func yields(_ count: Int) { state.withLock { $0.yields = count } }

    func release(_ id: VersionID) {
        let continuation = state.withLock { state in
            state.held.remove(id)
            return state.atGate.removeValue(forKey: id)
        }
        continuation?.resume()
    }

    /// Loads that wait for `release`.
    var atGate: Set<VersionID> { state.withLock { Set($0.atGate.keys) } }
    var isHolding: Bool { state.withLock { !$0.held.isEmpty } }
    var loadsAtOnceSeen: Int { state.withLock { $0.loadsAtOnce } }
    var sameVersionTwice: Int { state.withLock { $0.sameVersionTwice } }

    func load(
        _ version: AspiredVersion, stage: @escaping @Sendable (VersionState) -> Void
    ) async throws(MartletError) -> FakeVersion {
        let yields = state.withLock { state in
            if !state.loading.insert(version.id).inserted { state.sameVersionTwice += 1 }
            state.loadsAtOnce = max(state.loadsAtOnce, state.loading.count)
            return state.yields
        }
        defer { state.withLock { _ = $0.loading.remove(version.id) } }
        for each in [VersionState.verifying, .loading, .warming] {
            stage(each)
            for _ in 0..<yields { await Task.yield() }
        }
        await withCheckedContinuation { continuation in
            let waits = state.withLock { state in
                guard state.held.contains(version.id) else { return false }
                state.atGate[version.id] = continuation
                return true
            }
            if !waits { continuation.resume() }
        }
        if Task.isCancelled { throw MartletError(.cancelled, "no longer wanted") }
        if let reason = state.withLock({ $0.failures[version.id] }) { throw MartletError(.dataLoss, reason) }
        return FakeVersion(version, ledger: ledger)
    }
}
