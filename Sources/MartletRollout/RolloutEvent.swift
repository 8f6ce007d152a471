package import MartletCore

/// Something that happened to a version, for logs and for who watches.
package struct RolloutEvent: Sendable, CustomStringConvertible {
    package enum Kind: Sendable, Hashable {
        case discovered
        case verifying
        case loading
        case warming
        /// Answers from now on.
        case ready
        /// Answers again: it was wanted back while calls still held it.
        case returned
        /// Answers no new call; `leases` calls still hold it.
        case draining(leases: Int)
        /// The drain limit passed; the calls that hold it are asked to end.
        case drainOverdue(leases: Int)
        /// Out of memory.
        case unloaded
        /// Not tried again until its fingerprint changes.
        case failed(reason: String)
        /// A load that was given up because the version is no longer wanted.
        case abandoned
        /// Warning: the bytes of a version in memory seem to have changed on disk. A published version never changes,
        /// so what was loaded goes on answering.
        case changedWhileLoaded
        case labelled(String)
        /// Warning: the policy asked for a step that its version does not allow.
        case stepIgnored(RolloutStep)
    }

    package let id: VersionID
    package let kind: Kind

    package init(_ id: VersionID, _ kind: Kind) {
        self.id = id
        self.kind = kind
    }

    package var isWarning: Bool {
        switch kind {
        case .drainOverdue, .failed, .changedWhileLoaded, .stepIgnored: true
        default: false
        }
    }

    package var description: String {
        switch kind {
        case .discovered: "\(id) discovered"
        case .verifying: "\(id) verifying"
        case .loading: "\(id) loading"
        case .warming: "\(id) warming"
        case .ready: "\(id) ready"
        case .returned: "\(id) ready again"
        case .draining(0): "\(id) draining"
        case .draining(let leases): "\(id) draining, \(leases) held"
        case .drainOverdue(let leases): "\(id) overdue, \(leases) held"
        case .unloaded: "\(id) unloaded"
        case .failed(let reason): "\(id) failed: \(reason)"
        case .abandoned: "\(id) abandoned"
        case .changedWhileLoaded: "\(id) changed on disk while loaded; ignored"
        case .labelled(let label): "\(id) labelled \(label)"
        case .stepIgnored(let step): "\(id) step ignored: \(step)"
        }
    }
}
