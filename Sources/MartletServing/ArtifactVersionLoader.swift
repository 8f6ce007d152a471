internal import Dispatch
internal import MartletArtifact
internal import MartletCore
internal import MartletEncoder
internal import MartletRollout

/// Brings a version folder to the point where it may answer: verified, loaded, warmed, and equal to its golden answers.
struct ArtifactVersionLoader: VersionLoader {
    let reader: ArtifactReader
    let kernels: KernelTable
    let batchTokensMax: Int
    /// Threads that may work on one batch.
    let members: Int
    /// One background thread: loading must not take the cores that answer.
    private let queue = DispatchQueue(label: "martlet-loader", qos: .utility)

    init(limits: Limits, signatures: SignaturePolicy, kernels: KernelTable, members: Int) {
        self.members = members
        reader = ArtifactReader(limits: limits, signatures: signatures)
        self.kernels = kernels
        batchTokensMax = limits.batchTokensMax
    }

    func memoryNeeded(_ version: AspiredVersion) async throws(MartletError) -> Int {
        // Packed weights take what they take on disk; tokenizer and tables little beside them.
        try reader.readManifest(folder: version.location).manifest.files.reduce(0) { $0 + $1.bytes }
    }

    func load(
        _ version: AspiredVersion, stage: @escaping @Sendable (VersionState) -> Void
    ) async throws(MartletError) -> ServedModel {
        let result = await withCheckedContinuation { continuation in
            queue.async { continuation.resume(returning: loadNow(version, stage: stage)) }
        }
        return try result.get()
    }

    private func loadNow(
        _ version: AspiredVersion, stage: (VersionState) -> Void
    ) -> Result<ServedModel, MartletError> {
        Result { () throws(MartletError) -> ServedModel in
            stage(.verifying)
            let artifact = try reader.read(folder: version.location)
            guard artifact.manifest.name == version.id.model, artifact.manifest.version == version.id.number else {
                throw MartletError(
                    .failedPrecondition,
                    "manifest.json is of \(artifact.manifest.name)/\(artifact.manifest.version) and lies in the folder "
                        + "of \(version.id); a version keeps its name, so convert or publish it under the new one")
            }
            stage(.loading)
            let model = try ServedModel(
                artifact: artifact, kernels: kernels, batchTokensMax: batchTokensMax, members: members)
            stage(.warming)
            try GoldenCheck.run(artifact, on: model)
            return model
        }
    }
}
