package import MartletCore

/// What operators decided, and how far rollouts are: all that must survive the process.
package struct RolloutState: Sendable, Hashable, Codable {
    package static let currentFormat = 1

    package var format = currentFormat
    /// By name.
    package var models: [String: Model] = [:]

    package struct Model: Sendable, Hashable, Codable {
        /// An operator took the whole model out of service.
        package var isStopped = false
        /// By label.
        package var routes: [String: ModelRoute] = [:]
        /// Versions that an operator loaded (true) or unloaded (false) whatever the policy wants.
        package var wishes: [Int: Bool] = [:]
        /// Versions that are not tried, by number.
        package var quarantine: [Int: Quarantine] = [:]
        /// The last rollout of each route, by label.
        package var rollouts: [String: Rollout] = [:]

        package init() {}
    }

    package struct Quarantine: Sendable, Hashable, Codable {
        /// Of the bytes that were bad: other bytes are tried.
        package var fingerprint: String
        package var reason: String

        package init(fingerprint: String, reason: String) {
            self.fingerprint = fingerprint
            self.reason = reason
        }
    }

    package struct Rollout: Sendable, Hashable, Codable {
        package var spec: RolloutSpec
        /// The version that had the calls before, and the route it had them by; no route where the label had none.
        package var from: Int
        package var routeBefore: ModelRoute?
        package var phase: RolloutStatus.Phase
        /// -1 before the first.
        package var step: Int
        package var reason: String

        package init(
            spec: RolloutSpec, from: Int, routeBefore: ModelRoute?, phase: RolloutStatus.Phase, step: Int = -1,
            reason: String = ""
        ) {
            self.spec = spec
            self.from = from
            self.routeBefore = routeBefore
            self.phase = phase
            self.step = step
            self.reason = reason
        }
    }

    package init() {}
}

/// Where the state is kept between two lives of the process.
package protocol StateStore: Sendable {
    /// The state that was saved last; nil when there is none.
    /// - Throws: when there is one that cannot be read.
    func load() throws(MartletError) -> RolloutState?

    /// Returns once `state` would survive a loss of power; on an error the one before is still there.
    func save(_ state: RolloutState) throws(MartletError)
}

/// Keeps nothing beyond the process.
package struct ForgetfulStore: StateStore {
    package init() {}
    package func load() throws(MartletError) -> RolloutState? { nil }
    package func save(_ state: RolloutState) throws(MartletError) {}
}
