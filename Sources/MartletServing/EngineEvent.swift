package import MartletCore
package import MartletRollout

/// Something that happened to the models, for logs.
package enum EngineEvent: Sendable, CustomStringConvertible {
    case rollout(RolloutEvent)
    /// An entry of the models folder that is not a version, or not yet.
    case skipped(name: String, reason: String)
    /// The models folder could not be read; what serves goes on.
    case folderFailed(MartletError)

    package var isWarning: Bool {
        switch self {
        case .rollout(let event): event.isWarning
        case .skipped, .folderFailed: true
        }
    }

    package var description: String {
        switch self {
        case .rollout(let event): event.description
        case .skipped(let name, let reason): "\(name) skipped: \(reason)"
        case .folderFailed(let error): "the models folder cannot be read: \(error.message)"
        }
    }
}
