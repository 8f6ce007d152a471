package import MartletArtifact
package import MartletCore
package import MartletEncoder

/// What the engine needs to know to serve a folder of models.
package struct EngineConfiguration: Sendable {
    /// Holds `<name>/<version>/`.
    package var modelsFolder: String
    /// Compute threads; 0 takes what affinity and cgroup quota allow.
    package var threads: Int
    /// The highest instruction set to use; nil takes the best this CPU has.
    package var cpu: CPULevel?
    package var limits: Limits
    /// Ready versions to keep of each model, newest first.
    package var latestVersions: Int
    /// Whose signatures of versions count, and whether each needs one.
    package var signatures = SignaturePolicy()

    package init(
        modelsFolder: String, threads: Int = 0, cpu: CPULevel? = nil, limits: Limits = Limits(), latestVersions: Int = 1
    ) {
        self.modelsFolder = modelsFolder
        self.threads = threads
        self.cpu = cpu
        self.limits = limits
        self.latestVersions = latestVersions
    }
}
