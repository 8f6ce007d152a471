package import MartletCore

/// Reads one version's folder and believes nothing in it that it has not checked.
///
/// Regular files only, opened without following symbolic links, none writable by everybody, none that the manifest does
/// not list. Errors name the file inside the folder, the field, and the expected and actual value.
package struct ArtifactReader: Sendable {
    /// A step of reading, for `martlet verify`.
    package enum Step: String, Sendable, CaseIterable, Codable {
        case folder, manifest, files, digests, weights, tensors, golden
    }

    let limits: Limits
    /// Asked between files and steps; throws to end the reading.
    private let checkpoint: @Sendable () throws(MartletError) -> Void

    package init(
        limits: Limits = Limits(), checkpoint: @escaping @Sendable () throws(MartletError) -> Void = {}
    ) {
        self.limits = limits
        self.checkpoint = checkpoint
    }

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
        let manifest = try Manifest.decoded(from: manifestBytes.bytes, limits: limits)
        passed(.manifest, "digest \(manifestBytes.digest)")

        try checkNames(names, manifest)
        for file in manifest.files { try checkSize(of: file, in: folder) }
        passed(.files, "\(manifest.files.reduce(0) { $0 &+ $1.bytes }) bytes in \(manifest.files.count) files")

        var contents: [String: SealedBytes] = [:]
        for file in manifest.files {
            try checkpoint()
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

        try checkpoint()
        let weights = try MappedWeights(weightsBytes, file: Manifest.weightsFileName, limits: limits)
        passed(.weights, "\(weights.table.entries.count) tensors, checksums and values as they should be")
        try TensorPlan(manifest.configuration, precision: manifest.precision)
            .check(weights.table, file: Manifest.weightsFileName)
        passed(.tensors, "names, types and shapes as the configuration needs them")
        let examples = try GoldenFile.decoded(from: golden.bytes, for: manifest)
        passed(.golden, "\(examples.count) examples")

        return ModelArtifact(
            manifest: manifest, digest: manifestBytes.digest, weights: weights, tokenizerJSON: Array(tokenizer.bytes),
            golden: examples)
    }

    /// The manifest alone, checked as far as it can be without the other files.
    package func readManifest(folder path: String) throws(MartletError) -> (manifest: Manifest, digest: String) {
        let folder = try FolderHandle(path: path, describedAs: "the version's folder")
        let bytes = try readManifest(folder)
        return (try Manifest.decoded(from: bytes.bytes, limits: limits), bytes.digest)
    }

    private func checkFolder(_ folder: borrowing FolderHandle) throws(MartletError) -> [String] {
        let mode = try folder.status().st_mode
        guard mode & 0o002 == 0 else {
            throw MartletError(
                .permissionDenied,
                "the version's folder: everybody may write to it (mode \(String(mode & 0o7777, radix: 8))). "
                    + "Take that right away: chmod o-w.")
        }
        let names = try folder.names(describedAs: "the version's folder")
        guard names.contains(Manifest.fileName) else {
            throw .refused(Manifest.fileName, "is missing; the version is not complete", code: .notFound)
        }
        return names
    }

    private func readManifest(_ folder: borrowing FolderHandle) throws(MartletError) -> SealedBytes {
        let file = try FileHandle(named: Manifest.fileName, in: folder)
        guard file.byteCount <= limits.manifestBytesMax else {
            throw .refused(
                Manifest.fileName, "has \(file.byteCount) bytes, the limit is \(limits.manifestBytesMax)")
        }
        return try SealedBytes(reading: file)
    }

    private func checkNames(_ names: [String], _ manifest: Manifest) throws(MartletError) {
        let listed = Set(manifest.files.map(\.name))
        for name in names where name != Manifest.fileName && !listed.contains(name) {
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
        let content = try SealedBytes(reading: file)
        guard content.digest == listed.sha256 else {
            throw .refused(
                listed.name, "has SHA-256 \(content.digest), the manifest says \(listed.sha256)", code: .dataLoss)
        }
        return content
    }
}
