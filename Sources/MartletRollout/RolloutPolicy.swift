package import MartletCore

/// A version as a policy sees it.
package struct VersionSnapshot: Sendable, Hashable {
    package var id: VersionID
    package var state: VersionState
    /// True while the source wants it; false for one that is still in memory but was withdrawn.
    package var isAspired: Bool
    /// True when a label other than `latest` leads here.
    package var isLabelled: Bool
    /// True for a draining version that is whole in memory still: loading it takes no time.
    package var mayReturn: Bool

    package init(
        _ id: VersionID, _ state: VersionState, isAspired: Bool = true, isLabelled: Bool = false,
        mayReturn: Bool = false
    ) {
        self.id = id
        self.state = state
        self.isAspired = isAspired
        self.isLabelled = isLabelled
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

/// Decides which version is loaded or unloaded next. Pure: asked twice about the same snapshot, the same answer.
package protocol RolloutPolicy: Sendable {
    /// The single next step, or nil when every version is as it should be or on its way there.
    /// - Parameter versions: every known version of every model, sorted by name, then number.
    func nextStep(for versions: [VersionSnapshot]) -> RolloutStep?
}
