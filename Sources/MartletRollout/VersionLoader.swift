package import MartletCore

/// A version in memory, ready to answer. Its memory is returned when it is deinitialised.
package protocol LoadedVersion: AnyObject, Sendable {
    var status: LoadedStatus { get }

    /// How its calls ended since the last time this was asked. One asker: the rollout that watches the version.
    func takeFigures() -> CallFigures
}

/// What is known of a version once it is loaded.
package struct LoadedStatus: Sendable, Hashable {
    /// SHA-256 of the manifest, lower-case hex.
    package var digest: String
    /// In logit order.
    package var classLabels: [String]
    /// Such as `text-classification`.
    package var task: String
    /// Longest sequence in tokens, special tokens included.
    package var maxTokens: Int
    /// Resident bytes of the weights, scratch not counted.
    package var memoryBytes: Int
    /// Such as `single_label_classification`; empty for another task.
    package var problemType: String
    /// Width of an embedding; 0 for a model that gives none.
    package var dimensions: Int
    /// Tokens of the vocabulary.
    package var vocabularySize: Int
    /// Such as `bert`.
    package var architecture: String
    /// Of the weights of linear layers: `int8` or `float32`.
    package var precision: String

    package init(
        digest: String, classLabels: [String] = [], task: String = "", maxTokens: Int = 0, memoryBytes: Int = 0,
        problemType: String = "", dimensions: Int = 0, vocabularySize: Int = 0, architecture: String = "",
        precision: String = ""
    ) {
        self.digest = digest
        self.classLabels = classLabels
        self.task = task
        self.maxTokens = maxTokens
        self.memoryBytes = memoryBytes
        self.problemType = problemType
        self.dimensions = dimensions
        self.vocabularySize = vocabularySize
        self.architecture = architecture
        self.precision = precision
    }
}

/// Brings a version into memory. Implemented where artifacts and encoders are known.
package protocol VersionLoader: Sendable {
    associatedtype Loaded: LoadedVersion

    /// Bytes that `version` will take in memory once loaded, estimated without reading its weights.
    func memoryNeeded(_ version: AspiredVersion) async throws(MartletError) -> Int

    /// Verifies, loads and warms `version`; returns only what may answer at once. Never called twice at a time for one
    /// version. A cancelled task means the version is no longer wanted.
    /// - Parameters:
    ///   - urgency: while it is `.none` a load leaves the cores to calls.
    ///   - stage: told `.verifying`, `.loading` and `.warming` as each begins.
    func load(
        _ version: AspiredVersion, urgency: LoadUrgency, stage: @escaping @Sendable (VersionState) -> Void
    ) async throws(MartletError) -> Loaded
}
