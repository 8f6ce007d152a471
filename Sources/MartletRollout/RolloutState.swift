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
        /// Labels of the configuration that an operator took away.
        package var removedLabels: Set<String> = []
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
        /// True for a version that answered and was rolled back; false for one that could not be loaded.
        package var isRolledBack: Bool

        package init(fingerprint: String, reason: String, isRolledBack: Bool = false) {
            self.fingerprint = fingerprint
            self.reason = reason
            self.isRolledBack = isRolledBack
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
        /// Of a completed one: the old version is kept in memory still.
        package var holdsOld: Bool

        package init(
            spec: RolloutSpec, from: Int, routeBefore: ModelRoute?, phase: RolloutStatus.Phase, step: Int = -1,
            reason: String = "", holdsOld: Bool = false
        ) {
            self.spec = spec
            self.from = from
            self.routeBefore = routeBefore
            self.phase = phase
            self.step = step
            self.reason = reason
            self.holdsOld = holdsOld
        }
    }

    package init() {}
}

extension RolloutState {
    /// Changes what is known of a model; one of which nothing is left to know is forgotten.
    mutating func change(_ model: String, _ body: (inout Model) -> Void) {
        var changed = models[model] ?? Model()
        body(&changed)
        models[model] = changed == Model() ? nil : changed
    }

    /// - Throws: `.failedPrecondition` naming what no process of ours can have written.
    func validated() throws(MartletError) -> RolloutState {
        guard format == Self.currentFormat else {
            throw MartletError(
                .failedPrecondition, "it has format \(format), and this program reads \(Self.currentFormat)")
        }
        for (name, model) in models.sorted(by: { $0.key < $1.key }) {
            guard VersionID.isValidModelName(name) else {
                throw MartletError(.failedPrecondition, "it names a model that cannot be")
            }
            do throws(MartletError) {
                for (label, route) in model.routes {
                    try RouteCheck.check(label: label)
                    try RouteCheck.check(route)
                }
                for (label, rollout) in model.rollouts {
                    try RouteCheck.check(label: label)
                    if let route = rollout.routeBefore { try RouteCheck.check(route) }
                    if let problem = rollout.spec.problems.first { throw MartletError(.failedPrecondition, problem) }
                    guard rollout.spec.model == name, rollout.spec.label == label,
                        rollout.phase != .baking || rollout.spec.steps.indices.contains(rollout.step)
                    else { throw MartletError(.failedPrecondition, "a rollout contradicts itself") }
                }
            } catch {
                throw MartletError(.failedPrecondition, "model \(name): \(error.message)")
            }
        }
        return self
    }
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
