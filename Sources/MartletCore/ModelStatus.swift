/// The life of a version inside the server (DESIGN.md section 7).
public enum VersionState: String, Sendable, CaseIterable {
    case discovered, verifying, loading, warming, ready, draining, unloaded, failed
}

/// What the server tells about one version.
public struct ModelStatus: Sendable, Hashable {
    public var name: String
    public var version: Int
    public var state: VersionState
    /// Why the state is `failed`, or what holds up a version that is `draining` for too long; empty otherwise.
    public var reason: String
    /// True for a version that is not tried again until its bytes change or somebody clears it; `reason` says why.
    public var isQuarantined: Bool
    /// Version labels that lead here now, such as `latest`.
    public var versionLabels: [String]
    /// SHA-256 of the manifest, lower-case hex; empty until verified.
    public var digest: String
    /// Class labels in logit order; empty until loaded.
    public var classLabels: [String]
    /// Task, such as `text-classification`; empty until loaded.
    public var task: String
    /// `single_label_classification`, `multi_label_classification` or `regression`; empty for other tasks, and until
    /// loaded.
    public var problemType: String
    /// Width of an embedding; 0 for a model that gives none, and until loaded.
    public var dimensions: Int
    /// Tokens of the vocabulary; 0 until loaded.
    public var vocabularySize: Int
    /// Such as `bert`; empty until loaded.
    public var architecture: String
    /// Of the weights of linear layers: `int8` or `float32`; empty until loaded.
    public var precision: String
    /// Longest sequence in tokens, special tokens included; 0 until loaded.
    public var maxTokens: Int
    /// Resident bytes of the weights, scratch not counted; 0 until loaded.
    public var memoryBytes: Int
    /// Calls that hold this version now.
    public var leases: Int

    public init(
        name: String, version: Int, state: VersionState, reason: String = "", versionLabels: [String] = [],
        digest: String = "", classLabels: [String] = [], task: String = "", maxTokens: Int = 0, memoryBytes: Int = 0,
        leases: Int = 0, problemType: String = "", dimensions: Int = 0, vocabularySize: Int = 0,
        architecture: String = "", precision: String = "", isQuarantined: Bool = false
    ) {
        self.name = name
        self.version = version
        self.state = state
        self.reason = reason
        self.versionLabels = versionLabels
        self.digest = digest
        self.classLabels = classLabels
        self.task = task
        self.maxTokens = maxTokens
        self.memoryBytes = memoryBytes
        self.leases = leases
        self.problemType = problemType
        self.dimensions = dimensions
        self.vocabularySize = vocabularySize
        self.architecture = architecture
        self.precision = precision
        self.isQuarantined = isQuarantined
    }
}
