internal import MartletCore
internal import Synchronization

/// A loaded version while it is in memory: counts its leases and lets the object go after the last one.
///
/// Only the manager closes a residence and takes the object out; leases only come and go. The object is freed on the
/// manager's executor, never on a thread that serves: returning a model's memory takes milliseconds.
final class Residence<Loaded: LoadedVersion>: @unchecked Sendable {  // safe: see `object`
    let id: VersionID
    let status: LoadedStatus
    private let phase: Mutex<Phase>
    private let revoked = Atomic(false)
    private let time: Stopwatch
    /// Told once, on whatever thread ends the last lease after `close()`.
    private let onDrained: @Sendable () -> Void
    // Written once, by `evict()`, which asks `phase` that no lease is left and none can begin. A lease reads it only
    // while it is counted there; the lock of `phase` orders the two.
    private var object: Loaded?

    private struct Phase {
        var leases = 0
        var isOpen = true
        var nextLease: UInt64 = 0
        /// When the last call ended, or the version was loaded.
        var lastUse: Duration
        var revocationActions: [UInt64: @Sendable () -> Void] = [:]
    }

    init(id: VersionID, object: Loaded, time: Stopwatch, onDrained: @escaping @Sendable () -> Void) {
        self.id = id
        self.time = time
        phase = Mutex(Phase(lastUse: time.now))
        self.object = object
        status = object.status
        self.onDrained = onDrained
    }

    var leases: Int { phase.withLock { $0.leases } }
    /// Nil while calls hold it.
    var unusedSince: Duration? { phase.withLock { $0.leases == 0 ? $0.lastUse : nil } }
    var isRevoked: Bool { revoked.load(ordering: .relaxed) }

    /// The lease's number, or nil when the residence is closed.
    /// - Parameter evenDraining: also while it is closed and others hold it: until they end, the object is there.
    func beginLease(evenDraining: Bool = false) -> UInt64? {
        phase.withLock { phase in
            guard phase.isOpen || (evenDraining && phase.leases > 0) else { return nil }
            phase.leases += 1
            phase.nextLease &+= 1
            return phase.nextLease
        }
    }

    /// - Parameter isUse: false for a lease that only looked.
    func endLease(_ number: UInt64, isUse: Bool) {
        let isDrained = phase.withLock { phase in
            phase.leases -= 1
            if isUse, phase.leases == 0 { phase.lastUse = time.now }
            phase.revocationActions[number] = nil
            return !phase.isOpen && phase.leases == 0
        }
        if isDrained { onDrained() }
    }

    /// Begins no lease from now on.
    /// - Returns: leases still held. When there are some, `onDrained` follows the last of them.
    func close() -> Int {
        phase.withLock { phase in
            phase.isOpen = false
            return phase.leases
        }
    }

    /// Lets leases begin again after `close()`.
    /// - Returns: false when the holders were already asked to leave, or the object is gone.
    func reopen() -> Bool {
        phase.withLock { phase in
            guard !revoked.load(ordering: .relaxed), object != nil else { return false }
            phase.isOpen = true
            return true
        }
    }

    /// Asks the holders of the remaining leases to end them.
    func revoke() {
        let actions = phase.withLock { phase in
            revoked.store(true, ordering: .relaxed)
            defer { phase.revocationActions = [:] }
            return phase.revocationActions.values.map { $0 }
        }
        for action in actions { action() }
    }

    /// Runs `action` at the revocation, at once if that has been; forgotten when the lease ends.
    func whenRevoked(lease number: UInt64, _ action: @escaping @Sendable () -> Void) {
        let isRevoked = phase.withLock { phase in
            if revoked.load(ordering: .relaxed) { return true }
            phase.revocationActions[number] = action
            return false
        }
        if isRevoked { action() }
    }

    /// The object, for the holder of a lease.
    var leased: Loaded {
        guard let object else { preconditionFailure("a lease outlived its version") }
        return object
    }

    /// Frees the object, after `close()` and the last lease.
    func evict() {
        let isDrained = phase.withLock { !$0.isOpen && $0.leases == 0 }
        precondition(isDrained, "a version is evicted only after its last lease")
        object = nil
    }
}
