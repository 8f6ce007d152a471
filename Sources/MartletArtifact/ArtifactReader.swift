package import MartletCore

/// Reads one version's folder and believes nothing in it that it has not checked.
///
/// Regular files only, opened without following symbolic links, none writable by strangers, none that the manifest does
/// not list, a signature bundle (`model.sig`) apart. Errors name the file inside the folder, the field, and the
/// expected and actual value.
package struct ArtifactReader: Sendable {
    /// A step of reading, for `martlet verify`.
    package enum Step: String, Sendable, CaseIterable, Codable {
        case folder, manifest, signature, files, digests, weights, tensors, golden
    }

    let limits: Limits
    let signatures: SignaturePolicy
    /// Called between steps, tensors and pieces of files; throws to end the reading.
    private let checkpoint: @Sendable () throws(MartletError) -> Void

    package init(
        limits: Limits = Limits(), signatures: SignaturePolicy = SignaturePolicy(),
        checkpoint: @escaping @Sendable () throws(MartletError) -> Void = {}
    ) {
        self.limits = limits
        self.signatures = signatures
        self.checkpoint = checkpoint
    }

    /// The steps of this reader, in order: without keys there is no signature to look at.
    var steps: [Step] { Step.allCases.filter { $0 != .signature || signatures.asksForSignatures } }

    package func read(folder: String) throws(MartletError) -> ModelArtifact {
        try read(folder: folder) { _, _ in }
    }

    /// - Parameter passed: told each step that held, with its figures.
    package func read(
        folder path: String, passed: (Step, String) -> Void
    ) throws(MartletError) -> ModelArtifact {
        let folder = try FolderHandle(path: path, describedAs: "the version's folder")
        return try read(folder, passed: passed)
    }

    func read(
        _ folder: borrowing FolderHandle, passed: (Step, String) -> Void = { _, _ in }
    ) throws(MartletError) -> ModelArtifact {
        let names = try checkFolder(folder)
        passed(.folder, "\(names.count) files")

        let manifestBytes = try readManifest(folder)
        let manifest = try decoded(manifestBytes)
        passed(.manifest, "digest \(manifestBytes.digest)")
        // Before the other files are read: what was signed is the manifest and the digests that it lists.
        try checkSignature(names, folder, manifest, digest: manifestBytes.digest, passed: passed)

        try checkNames(names, manifest)
        for file in manifest.files { try checkSize(of: file, in: folder) }
        passed(.files, "\(manifest.files.reduce(0) { $0 &+ $1.bytes }) bytes in \(manifest.files.count) files")

        var contents: [String: SealedBytes] = [:]
        for file in manifest.files {
            let content = try readContent(of: file, in: folder)
            switch file.name {
            case Manifest.weightsFileName, Manifest.tokenizerFileName, Manifest.goldenFileName:
                contents[file.name] = content
            default: break
            }
        }
        passed(.digests, "SHA-256 of \(manifest.files.count) files as listed")
        // `Manifest.check` made sure that these three are listed.
        guard
            let weightsBytes = contents[Manifest.weightsFileName],
            let tokenizer = contents[Manifest.tokenizerFileName], let golden = contents[Manifest.goldenFileName]
        else { throw .refused(Manifest.fileName, "does not list the files a version needs") }

        let weights = try MappedWeights(
            weightsBytes, file: Manifest.weightsFileName, limits: limits, checkpoint: checkpoint)
        passed(.weights, "\(weights.table.entries.count) tensors, checksums and values as they should be")
        try TensorPlan(manifest.configuration, precision: manifest.precision)
            .check(weights.table, file: Manifest.weightsFileName)
        passed(.tensors, "names, types and shapes as the configuration needs them")
        let examples = try golden.lend { bytes throws(MartletError) in
            try GoldenFile.decoded(from: bytes, for: manifest)
        }
        passed(.golden, "\(examples.count) examples")

        return ModelArtifact(
            manifest: manifest, digest: manifestBytes.digest, weights: weights, tokenizerJSON: tokenizer.array,
            golden: examples)
    }

    /// The manifest alone, checked as far as it can be without the other files.
    package func readManifest(folder path: String) throws(MartletError) -> (manifest: Manifest, digest: String) {
        let folder = try FolderHandle(path: path, describedAs: "the version's folder")
        let bytes = try readManifest(folder)
        return (try decoded(bytes), bytes.digest)
    }

    private func decoded(_ bytes: SealedBytes) throws(MartletError) -> Manifest {
        let limits = limits
        return try bytes.lend { bytes throws(MartletError) in try Manifest.decoded(from: bytes, limits: limits) }
    }

    private func checkFolder(_ folder: borrowing FolderHandle) throws(MartletError) -> [String] {
        if let stranger = Writers.stranger(try folder.status()) {
            throw .refused(
                "the version's folder", stranger.problem, code: .permissionDenied, wayOut: stranger.wayOut)
        }
        let names = try folder.names(describedAs: "the version's folder")
        guard names.contains(Manifest.fileName) else {
            throw .refused(Manifest.fileName, "is missing; the version is not complete", code: .notFound)
        }
        return names
    }

    private func checkSignature(
        _ names: [String], _ folder: borrowing FolderHandle, _ manifest: Manifest, digest: String,
        passed: (Step, String) -> Void
    ) throws(MartletError) {
        let name = ModelSignature.fileName
        guard names.contains(name) else {
            if let found = try signatures.check(nil, signs: manifest, digest: digest, limits) {
                passed(.signature, found)
            }
            return
        }
        let file = try FileHandle(named: name, in: folder)
        guard signatures.asksForSignatures else { return }
        guard file.byteCount <= limits.signatureBytesMax else {
            throw ModelSignature.tooLarge(file.byteCount, limits)
        }
        let bundle = try SealedBytes(reading: file)
        let (signatures, limits) = (signatures, limits)
        let found = try bundle.lend { bytes throws(MartletError) in
            try signatures.check(bytes, signs: manifest, digest: digest, limits)
        }
        if let found { passed(.signature, found) }
    }

    func readManifest(_ folder: borrowing FolderHandle) throws(MartletError) -> SealedBytes {
        let file = try FileHandle(named: Manifest.fileName, in: folder)
        guard file.byteCount <= limits.manifestBytesMax else {
            throw .refused(
                Manifest.fileName, "has \(file.byteCount) bytes, the limit is \(limits.manifestBytesMax)")
        }
        return try SealedBytes(reading: file)
    }

    private func checkNames(_ names: [String], _ manifest: Manifest) throws(MartletError) {
        let listed = Set(manifest.files.map(\.name))
        let beside: Set = [Manifest.fileName, ModelSignature.fileName]
        for name in names where !beside.contains(name) && !listed.contains(name) {
            throw .refused(
                quoted(name), "is not listed in \(Manifest.fileName)",
                wayOut: "Take it out of the folder: a version holds what its manifest lists and nothing else.")
        }
        let present = Set(names)
        for file in manifest.files where !present.contains(file.name) {
            throw .refused(file.name, "is missing", code: .notFound)
        }
    }

    private func checkSize(of listed: Manifest.File, in folder: borrowing FolderHandle) throws(MartletError) {
        let file = try FileHandle(named: listed.name, in: folder)
        guard file.byteCount == listed.bytes else {
            throw .refused(
                listed.name, "has \(file.byteCount) bytes, the manifest says \(listed.bytes)", code: .dataLoss)
        }
    }

    private func readContent(
        of listed: Manifest.File, in folder: borrowing FolderHandle
    ) throws(MartletError) -> SealedBytes {
        let file = try FileHandle(named: listed.name, in: folder)
        guard file.byteCount == listed.bytes else {
            throw .refused(
                listed.name, "has \(file.byteCount) bytes, the manifest says \(listed.bytes)", code: .dataLoss)
        }
        let content = try SealedBytes(reading: file, checkpoint: checkpoint)
        guard content.digest == listed.sha256 else {
            throw .refused(
                listed.name, "has SHA-256 \(content.digest), the manifest says \(listed.sha256)", code: .dataLoss)
        }
        return content
    }
}
