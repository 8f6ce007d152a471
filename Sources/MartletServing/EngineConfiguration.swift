package import MartletArtifact
package import MartletCore
package import MartletEncoder
package import MartletRollout

/// What the engine needs to know to serve a folder of models.
package struct EngineConfiguration: Sendable {
    /// Holds `<name>/<version>/`.
    package var modelsFolder: String
    /// Compute threads; 0 takes what affinity and cgroup quota allow.
    package var threads: Int
    /// The highest instruction set to use; nil takes the best this CPU has.
    package var cpu: CPULevel?
    package var limits: Limits
    /// Which versions are wanted, and what else may change while the server runs.
    package var rollouts: RolloutConfiguration
    /// Where what operators decided is kept from one start to the next; nil: nowhere.
    package var stateFolder: String?
    /// By which drains, rollouts and idle models are timed.
    package var clock: any Clock<Duration> = ContinuousClock()
    /// Whose signatures of versions count, and whether each needs one.
    package var signatures = SignaturePolicy()

    package init(
        modelsFolder: String, threads: Int = 0, cpu: CPULevel? = nil, limits: Limits = Limits(),
        rollouts: RolloutConfiguration = RolloutConfiguration(), stateFolder: String? = nil
    ) {
        self.modelsFolder = modelsFolder
        self.threads = threads
        self.cpu = cpu
        self.limits = limits
        self.rollouts = rollouts
        self.stateFolder = stateFolder
    }
}
