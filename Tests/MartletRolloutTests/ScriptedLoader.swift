import MartletCore
import MartletRollout
import Synchronization

/// A loaded version that holds nothing; its ledger knows when it was freed.
final class FakeVersion: LoadedVersion {
    let id: VersionID
    let status: LoadedStatus
    let serial: Int
    private let ledger: Ledger
    private let calls: FakeCalls

    init(_ version: AspiredVersion, bytes: Int, ledger: Ledger, calls: FakeCalls) {
        id = version.id
        status = LoadedStatus(
            digest: "sha-\(version.fingerprint)", classLabels: ["NO", "YES"], task: "text-classification",
            maxTokens: 64, memoryBytes: bytes)
        self.ledger = ledger
        self.calls = calls
        serial = ledger.born(bytes: bytes)
    }

    deinit { ledger.freed(serial) }

    func takeFigures() -> CallFigures { calls.take(id) }

    var isAlive: Bool { ledger.isAlive(serial) }
}

/// How calls of fake versions ended, as a test says.
final class FakeCalls: Sendable {
    private let figures = Mutex<[VersionID: CallFigures]>([:])

    func answered(_ id: VersionID, _ count: Int, in time: Duration) {
        figures.withLock { for _ in 0..<count { $0[id, default: CallFigures()].answered(in: time) } }
    }

    func failed(_ id: VersionID, _ count: Int) {
        figures.withLock { for _ in 0..<count { $0[id, default: CallFigures()].failed() } }
    }

    func take(_ id: VersionID) -> CallFigures { figures.withLock { $0.removeValue(forKey: id) } ?? CallFigures() }
}

/// Which objects live, and their bytes; an object freed twice would show here.
final class Ledger: Sendable {
    private struct State {
        var next = 0
        var living: [Int: Int] = [:]
        var doubleFrees = 0
        var bytesMax = 0
    }

    private let state = Mutex(State())

    func born(bytes: Int) -> Int {
        state.withLock { state in
            state.next += 1
            state.living[state.next] = bytes
            state.bytesMax = max(state.bytesMax, state.living.values.reduce(0, +))
            return state.next
        }
    }

    func freed(_ serial: Int) {
        state.withLock { if $0.living.removeValue(forKey: serial) == nil { $0.doubleFrees += 1 } }
    }

    func isAlive(_ serial: Int) -> Bool { state.withLock { $0.living[serial] != nil } }
    var living: Int { state.withLock { $0.living.count } }
    var total: Int { state.withLock { $0.next } }
    var doubleFrees: Int { state.withLock { $0.doubleFrees } }
    /// The most bytes that ever lived at once.
    var bytesMax: Int { state.withLock { $0.bytesMax } }
}

/// A loader that does what the test says: fails some versions, holds others before their last step.
final class ScriptedLoader: VersionLoader {
    private struct State {
        var failures: [VersionID: String] = [:]
        var bytes: [VersionID: Int] = [:]
        var held: Set<VersionID> = []
        var atGate: [VersionID: CheckedContinuation<Void, Never>] = [:]
        var loading: [VersionID: LoadUrgency] = [:]
        var loadsAtOnce = 0
        var loads = 0
        var urgencies: [LoadUrgency.Level] = []
        var sameVersionTwice = 0
        /// Steps of other tasks to let by in each stage.
        var yields = 0
    }

    let ledger = Ledger()
    let calls = FakeCalls()
    private let state = Mutex(State())

    func fail(_ id: VersionID, _ reason: String?) { state.withLock { $0.failures[id] = reason } }
    func size(_ id: VersionID, _ bytes: Int) { state.withLock { $0.bytes[id] = bytes } }
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
    var loads: Int { state.withLock { $0.loads } }
    /// Of loads that ended, in that order.
    var urgencies: [LoadUrgency.Level] { state.withLock { $0.urgencies } }
    /// Of a load that runs; nil for a version that is not being loaded.
    func urgency(of id: VersionID) -> LoadUrgency.Level? { state.withLock { $0.loading[id]?.level } }
    var loadsAtOnceSeen: Int { state.withLock { $0.loadsAtOnce } }
    var sameVersionTwice: Int { state.withLock { $0.sameVersionTwice } }

    func memoryNeeded(_ version: AspiredVersion) async throws(MartletError) -> Int {
        state.withLock { $0.bytes[version.id] ?? 1_000 }
    }

    func load(
        _ version: AspiredVersion, urgency: LoadUrgency, stage: @escaping @Sendable (VersionState) -> Void
    ) async throws(MartletError) -> FakeVersion {
        let yields = state.withLock { state in
            if state.loading.updateValue(urgency, forKey: version.id) != nil { state.sameVersionTwice += 1 }
            state.loadsAtOnce = max(state.loadsAtOnce, state.loading.count)
            state.loads += 1
            return state.yields
        }
        defer {
            state.withLock { state in
                state.urgencies.append(urgency.level)
                state.loading[version.id] = nil
            }
        }
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
        let bytes = state.withLock { $0.bytes[version.id] ?? 1_000 }
        return FakeVersion(version, bytes: bytes, ledger: ledger, calls: calls)
    }
}
