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
        var stage: VersionState
        /// True once its task was cancelled because the version was withdrawn.
        var isAbandoned = false
    }

    /// As last aspired; the bytes in memory may be of an earlier fingerprint.
    var aspired: AspiredVersion
    /// False for a withdrawn version that is still in memory or being loaded.
    var isAspired = true
    var phase = Phase.discovered
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
    /// - Parameter isStopped: an operator took the model out of service.
    func status(labels: [String], isStopped: Bool) -> ModelStatus {
        var status = ModelStatus(
            name: aspired.id.model, version: aspired.id.number, state: state, versionLabels: labels)
        switch phase {
        case .failed(let reason, _): status.reason = reason
        case .discovered where isStopped, .unloaded where isStopped:
            status.state = .unloaded
            status.reason = "unloaded by request; LoadModel serves it again"
        case .draining(_, _, isOverdue: true): status.reason = "calls hold it past the drain limit"
        default: break
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
