internal import MartletArtifact
internal import MartletCore
internal import MartletEncoder
internal import MartletRollout
internal import MartletScheduling

/// Brings a version folder to the point where it may answer: verified, loaded, equal to its golden answers, and warm.
struct ArtifactVersionLoader: VersionLoader {
    let limits: Limits
    let signatures: SignaturePolicy
    let kernels: KernelTable
    /// Compute threads: as many runs of a version as there may be at once.
    let threads: Int
    /// Threads that may work on one batch.
    let members: Int
    let lengths = TrafficLengths()
    /// Loading must not take the cores that answer.
    private let thread: BackgroundThread
    /// For loads that are awaited when they begin, and for what takes no time.
    private let awaitedThread: BackgroundThread

    init(
        limits: Limits, signatures: SignaturePolicy, kernels: KernelTable, threads: Int, members: Int
    ) throws(MartletError) {
        self.limits = limits
        self.signatures = signatures
        self.kernels = kernels
        self.threads = threads
        self.members = members
        thread = try BackgroundThread(name: "martlet-loader", cores: threads)
        awaitedThread = try BackgroundThread(name: "martlet-loader", cores: threads, givesWay: false)
    }

    func memoryNeeded(_ version: AspiredVersion) async throws(MartletError) -> Int {
        let reader = ArtifactReader(limits: limits)
        return try await awaitedThread.perform { (_) throws(MartletError) in
            let manifest = try reader.readManifest(folder: version.location).manifest
            let words = manifest.precision == .int8 ? ElementType.int8 : .float32
            let configuration = manifest.configuration
            return EncoderModel.layerBytes(configuration, precision: words)
                + EncoderModel.embeddingBytes(configuration, words: words)
        }
    }

    func load(
        _ version: AspiredVersion, urgency: LoadUrgency, stage: @escaping @Sendable (VersionState) -> Void
    ) async throws(MartletError) -> ServedModel {
        let thread = urgency.level == .awaited ? awaitedThread : thread
        return try await thread.perform(isAwaited: { urgency.level > .none }) { (pace) throws(MartletError) in
            try load(version, stage: stage, pace: pace)
        }
    }

    private func load(
        _ version: AspiredVersion, stage: (VersionState) -> Void, pace: BackgroundThread.Pace
    ) throws(MartletError) -> ServedModel {
        stage(.verifying)
        let reader = ArtifactReader(limits: limits, signatures: signatures) { () throws(MartletError) in
            try pace.check()
        }
        let artifact = try reader.read(folder: version.location)
        guard artifact.manifest.name == version.id.model, artifact.manifest.version == version.id.number else {
            throw MartletError(
                .failedPrecondition,
                "manifest.json is of \(artifact.manifest.name)/\(artifact.manifest.version) and lies in the folder "
                    + "of \(version.id); a version keeps its name, so convert or publish it under the new one")
        }
        try pace.check()
        stage(.loading)
        let histogram = lengths.histogram(of: version.id.model)
        let model = try ServedModel(
            artifact: artifact, tensors: PacedTensors(artifact.tensors, pace), kernels: kernels,
            batchTokensMax: limits.batchTokensMax, members: members, lengths: histogram)
        stage(.warming)
        try GoldenCheck.run(artifact, on: model, pace: pace)
        let batches = WarmUp.batches(
            like: histogram.counts, maxTokens: model.maxTokens,
            batchTokens: min(limits.batchTokensMax, EncoderModel.passRows))
        try WarmUp.run(model, batches, scratches: threads, pace: pace)
        return model
    }
}

/// Tensors, with a rest before each when one is due: what packs them asks for one after another.
private struct PacedTensors: TensorSource {
    private let tensors: any TensorSource
    private let pace: BackgroundThread.Pace

    init(_ tensors: any TensorSource, _ pace: BackgroundThread.Pace) {
        self.tensors = tensors
        self.pace = pace
    }

    func tensor(named name: String) -> Tensor? {
        pace.rest()
        return tensors.tensor(named: name)
    }
}
