internal import MartletCore

/// What the manager knows of one version.
struct VersionRecord<Loaded: LoadedVersion> {
    enum Phase {
        case discovered
        case loading(Load)
        case ready(Residence<Loaded>, fingerprint: String)
        case draining(Residence<Loaded>, fingerprint: String, isOverdue: Bool)
        case unloaded
        /// In quarantine until the fingerprint is another.
        case failed(reason: String, fingerprint: String)
    }

    struct Load {
        let version: AspiredVersion
        let urgency = LoadUrgency()
        var stage: VersionState
        /// Of the memory budget.
        var reservedBytes = 0
        /// True once its task was cancelled because the version was withdrawn.
        var isAbandoned = false
    }

    /// As last aspired; the bytes in memory may be of an earlier fingerprint.
    var aspired: AspiredVersion
    /// False for a withdrawn version that is still in memory or being loaded.
    var isAspired = true
    var phase = Phase.discovered
    /// Why there was no memory for it; nil when there may be some.
    var refusal: String?
    /// The last fingerprint that a warning was given for: one warning per change, not per scan.
    var warnedFingerprint: String?

    var state: VersionState {
        switch phase {
        case .discovered: .discovered
        case .loading(let load): load.stage
        case .ready: .ready
        case .draining: .draining
        case .unloaded: .unloaded
        case .failed: .failed
        }
    }

    var mayLoad: Bool {
        switch phase {
        case .discovered, .unloaded: isAspired
        case .loading, .ready, .draining, .failed: false
        }
    }

    /// True while a draining version may answer again: its leases were not revoked, and its bytes are still the ones
    /// that are aspired.
    var mayReturn: Bool {
        guard case .draining(let residence, let fingerprint, isOverdue: false) = phase else { return false }
        return isAspired && !residence.isRevoked && fingerprint == aspired.fingerprint
    }

    /// Bytes it has of the memory budget.
    var memoryBytes: Int {
        switch phase {
        case .ready(let residence, _), .draining(let residence, _, _): residence.status.memoryBytes
        case .loading(let load): load.reservedBytes
        case .discovered, .unloaded, .failed: 0
        }
    }

    var isInMemory: Bool { residence != nil }

    var residence: Residence<Loaded>? {
        switch phase {
        case .ready(let residence, _), .draining(let residence, _, _): residence
        case .discovered, .loading, .unloaded, .failed: nil
        }
    }

    /// The fingerprint of what is, or was tried to be, in memory.
    var triedFingerprint: String? {
        switch phase {
        case .ready(_, let fingerprint), .draining(_, let fingerprint, _), .failed(_, let fingerprint): fingerprint
        case .loading(let load): load.version.fingerprint
        case .discovered, .unloaded: nil
        }
    }

    /// The status as published; leases are counted when it is asked for.
    /// - Parameters:
    ///   - absence: why it is kept out of memory although it could be loaded.
    ///   - quarantine: what it is in quarantine for.
    func status(labels: [String], absence: String?, quarantine: String?) -> ModelStatus {
        var status = ModelStatus(
            name: aspired.id.model, version: aspired.id.number, state: state, reason: quarantine ?? "",
            versionLabels: labels, isQuarantined: quarantine != nil)
        switch phase {
        case .failed(let reason, _): status.reason = reason
        case .discovered, .unloaded:
            if let absence = absence ?? refusal {
                status.state = .unloaded
                status.reason = absence
            }
        case .draining(_, _, isOverdue: true): status.reason = "calls hold it past the drain limit"
        case .loading, .ready, .draining: break
        }
        if let loaded = residence?.status {
            status.digest = loaded.digest
            status.classLabels = loaded.classLabels
            status.task = loaded.task
            status.maxTokens = loaded.maxTokens
            status.memoryBytes = loaded.memoryBytes
            status.problemType = loaded.problemType
            status.dimensions = loaded.dimensions
            status.vocabularySize = loaded.vocabularySize
            status.architecture = loaded.architecture
            status.precision = loaded.precision
        }
        return status
    }
}
