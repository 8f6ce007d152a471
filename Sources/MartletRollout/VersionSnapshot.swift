package import MartletCore

/// A version as the policy sees it.
package struct VersionSnapshot: Sendable, Hashable {
    package var id: VersionID
    package var state: VersionState
    /// True while it is to be served: the source has it, and its model is neither stopped nor idle.
    package var isAspired: Bool
    /// True when something leads here whatever its age: a route or its shadow, a rollout, an old version that is held
    /// for a rollback, an operator's wish.
    package var isKept: Bool
    /// True for one that must not be loaded now: in quarantine, or refused for want of memory.
    package var isRefused: Bool
    /// True when an operator took it out of service: it leaves even when nothing can take its place.
    package var mustLeave: Bool
    /// True for a draining version that is whole in memory still: loading it takes no time.
    package var mayReturn: Bool

    package init(
        _ id: VersionID, _ state: VersionState, isAspired: Bool = true, isKept: Bool = false, isRefused: Bool = false,
        mustLeave: Bool = false, mayReturn: Bool = false
    ) {
        self.id = id
        self.state = state
        self.isAspired = isAspired
        self.isKept = isKept
        self.isRefused = isRefused
        self.mustLeave = mustLeave
        self.mayReturn = mayReturn
    }
}

package enum RolloutStep: Sendable, Hashable, CustomStringConvertible {
    /// Only of an aspired version that is `discovered` or `unloaded`, or that drains and may return.
    case load(VersionID)
    /// Only of a version that is `ready`.
    case unload(VersionID)

    package var id: VersionID {
        switch self {
        case .load(let id), .unload(let id): id
        }
    }

    package var description: String {
        switch self {
        case .load(let id): "load \(id)"
        case .unload(let id): "unload \(id)"
        }
    }
}
