import Logging
import MartletRollout
import MartletServing

/// What happens to the models, as log lines.
struct EngineLog: Sendable {
    let logger: Logger

    func note(_ event: EngineEvent) {
        logger.log(level: Self.level(of: event), "\(event)")
    }

    private static func level(of event: EngineEvent) -> Logger.Level {
        if event.isWarning { return .warning }
        guard case .rollout(let event) = event else { return .info }
        switch event.kind {
        case .discovered, .verifying, .loading, .warming: return .debug
        default: return .info
        }
    }
}
