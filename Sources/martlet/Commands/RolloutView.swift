import MartletClient
import MartletCore
import Synchronization

/// A rollout as it goes on: a line that is drawn over on a terminal, and a line that stays for each change.
final class RolloutView: Sendable {
    private let json: Bool
    private let live: ProgressLine
    private let last = Mutex<RolloutStatus?>(nil)

    init(json: Bool) {
        self.json = json
        live = ProgressLine(enabled: !json)
    }

    func show(_ status: RolloutStatus) {
        let isChange = last.withLock { last in
            defer { last = status }
            return RolloutText.isChange(status, after: last)
        }
        if isChange {
            live.above {
                Output.standard.line(
                    json ? JSONText.line(AnswerJSON.Rollout(status)) : RolloutText.line(status))
            }
        }
        if status.phase.isOver {
            live.clear()
        } else {
            live.show(force: isChange, RolloutText.live(status))
        }
    }

    /// Shows the rollout of a label until it is over.
    /// - Parameter version: the new version, where another rollout of the label is not meant.
    /// - Throws: `.checkFailed` when it was rolled back, `.data` when it failed, `.noInput` when there is none.
    func follow(
        _ changes: ServerStream<[RolloutStatus]>, label: String, to version: Int?
    ) async throws {
        defer { live.clear() }
        for try await rollouts in changes {
            let status = rollouts.first { one in
                one.spec.label == label && (version == nil || one.spec.version == version)
            }
            guard let status else {
                throw CommandFailure(.noInput, "there is no rollout of that route; 'martlet rollout status' lists them")
            }
            show(status)
            if status.phase.isOver { return try Self.end(status) }
        }
    }

    private static func end(_ status: RolloutStatus) throws(CommandFailure) {
        let route = "\(status.spec.model):\(status.spec.label)"
        switch status.phase {
        case .rolledBack:
            throw CommandFailure(
                .checkFailed, "\(route) is back at version \(status.from): \(status.reason)")
        case .failed: throw CommandFailure(.data, "\(route) stays at version \(status.from): \(status.reason)")
        default: return
        }
    }
}
