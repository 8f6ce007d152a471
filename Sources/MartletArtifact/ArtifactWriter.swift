internal import Glibc
package import MartletCore

/// All of a version but its file list, before it is written.
package struct ArtifactDraft: Sendable {
    /// `name`, `version`, `files` and `checksum` are filled in by the writer.
    package var manifest: Manifest
    /// In the order of the file.
    package var tensors: [Tensor]
    package var tokenizerJSON: [UInt8]
    package var golden: [GoldenExample]
    /// More files to keep with the version, such as a licence text; by name.
    package var extraFiles: [String: [UInt8]]

    package init(
        manifest: Manifest, tensors: [Tensor], tokenizerJSON: [UInt8], golden: [GoldenExample],
        extraFiles: [String: [UInt8]] = [:]
    ) {
        self.manifest = manifest
        self.tensors = tensors
        self.tokenizerJSON = tokenizerJSON
        self.golden = golden
        self.extraFiles = extraFiles
    }
}

/// A version that now exists.
package struct PublishedVersion: Sendable, Hashable {
    package let id: VersionID
    /// SHA-256 of the manifest in lower-case hex.
    package let digest: String
    /// All files together, manifest included.
    package let bytes: Int
}

/// Publishes a version so that readers see either nothing or all of it.
///
/// Everything is written to a hidden folder in the model's folder and forced to the disk, read back and verified, and
/// then renamed once.
package struct ArtifactWriter: Sendable {
    let limits: Limits
    private let secondsSinceEpoch: @Sendable () -> Int
    private let random: @Sendable () -> UInt32

    /// Age in seconds after which a staging folder is taken for a leftover of a run that died.
    static let staleSeconds = 86_400

    package init(
        limits: Limits = Limits(), secondsSinceEpoch: @escaping @Sendable () -> Int = { time(nil) },
        random: @escaping @Sendable () -> UInt32 = { .random(in: .min ... .max) }
    ) {
        self.limits = limits
        self.secondsSinceEpoch = secondsSinceEpoch
        self.random = random
    }

    /// - Parameters:
    ///   - root: the folder of all models; made when missing.
    ///   - version: positive; nil takes the one after the newest.
    /// - Throws: `.alreadyExists` when the version exists, `.invalidArgument` for a name that is not one.
    @discardableResult
    package func publish(
        _ draft: ArtifactDraft, to root: String, name: String, version requested: Int? = nil
    ) throws(MartletError) -> PublishedVersion {
        let model = try openModel(name, in: root)
        let version = if let requested { requested } else { try nextVersion(in: model) }
        try ArtifactWriter.checkFree(version, of: name, in: model)
        removeStale(in: model)
        let stagingName = "\(StagingFolder.prefix)\(name)-\(version)-\(String(random(), radix: 16))"
        let staging = try StagingFolder(named: stagingName, in: model)
        do throws(MartletError) {
            let published = try write(draft, to: staging, as: VersionID(model: name, number: version))
            try ArtifactWriter.checkFree(version, of: name, in: model)
            try staging.become(String(version), in: model)
            return published
        } catch {
            StagingFolder.remove(stagingName, in: model)
            throw error
        }
    }

    /// Refuses early what `publish` would refuse at its end, before minutes of conversion are spent.
    package func checkFree(root: String, name: String, version: Int) throws(MartletError) {
        try ArtifactWriter.checkName(name)
        try ArtifactWriter.checkNumber(version)
        var found = stat()
        if lstat("\(root)/\(name)/\(version)", &found) == 0 { throw ArtifactWriter.exists(version, of: name) }
    }

    private func write(
        _ draft: ArtifactDraft, to staging: borrowing StagingFolder, as id: VersionID
    ) throws(MartletError) -> PublishedVersion {
        var manifest = draft.manifest
        manifest.name = id.model
        manifest.version = id.number
        var files: [Manifest.File] = []
        files.append(
            try staging.write(Manifest.weightsFileName) { put throws(MartletError) in
                try WeightsFileWriter.write(draft.tensors, write: put)
            })
        files.append(try staging.write(Manifest.tokenizerFileName, draft.tokenizerJSON))
        let golden = try CanonicalJSON.encode(GoldenFile(examples: draft.golden), file: Manifest.goldenFileName)
        files.append(try staging.write(Manifest.goldenFileName, golden))
        for (name, bytes) in draft.extraFiles.sorted(by: { $0.key < $1.key }) {
            guard Manifest.isValidFileName(name) else {
                throw MartletError(.invalidArgument, "\(quoted(name)) cannot be a file of a version")
            }
            files.append(try staging.write(name, bytes))
        }
        manifest.files = files.sorted { $0.name < $1.name }
        try manifest.check(limits)
        let stated = try staging.write(Manifest.fileName, try manifest.encoded())
        // What was written is what a server will accept: its own reader says so before anybody else sees it.
        _ = try ArtifactReader(limits: limits).read(staging.folder)
        return PublishedVersion(id: id, digest: stated.sha256, bytes: files.reduce(stated.bytes) { $0 + $1.bytes })
    }

    private func openModel(_ name: String, in root: String) throws(MartletError) -> FolderHandle {
        try ArtifactWriter.checkName(name)
        if mkdir(root, 0o755) != 0, errno != EEXIST {
            throw .system(
                "the models folder", "make it", errno, wayOut: "Make it yourself, or name another with --models.")
        }
        let folder = try FolderHandle(following: root, describedAs: "the models folder")
        if mkdirat(folder.descriptor, name, 0o755) == 0 {
            fsync(folder.descriptor)
        } else if errno != EEXIST {
            throw .system(
                "the models folder", "make a folder in it", errno, wayOut: "Give this user the right to write there.")
        }
        return try FolderHandle(named: name, in: folder, describedAs: "the model's folder")
    }

    private func nextVersion(in model: borrowing FolderHandle) throws(MartletError) -> Int {
        let newest = try model.names(describedAs: "the model's folder").compactMap(ModelFolder.versionNumber).max() ?? 0
        guard newest < Int.max else { throw MartletError(.outOfRange, "the newest version has the largest number") }
        return newest + 1
    }

    private func removeStale(in model: borrowing FolderHandle) {
        for name in (try? model.names(describedAs: "")) ?? [] where name.hasPrefix(StagingFolder.prefix) {
            guard let status = model.status(of: name), status.st_mode & S_IFMT == S_IFDIR else { continue }
            if status.st_mtim.tv_sec < secondsSinceEpoch() - ArtifactWriter.staleSeconds {
                StagingFolder.remove(name, in: model)
            }
        }
    }

    private static func checkName(_ name: String) throws(MartletError) {
        guard VersionID.isValidModelName(name) else {
            throw MartletError(
                .invalidArgument,
                "model name \(quoted(name)): expected 1 to 128 of A-Z a-z 0-9 . _ - that begin with a letter or digit")
        }
    }

    private static func checkNumber(_ version: Int) throws(MartletError) {
        guard version > 0 else {
            throw MartletError(.invalidArgument, "version \(version): expected a number above 0")
        }
    }

    private static func checkFree(
        _ version: Int, of name: String, in model: borrowing FolderHandle
    ) throws(MartletError) {
        try checkNumber(version)
        if model.status(of: String(version)) != nil { throw exists(version, of: name) }
    }

    private static func exists(_ version: Int, of name: String) -> MartletError {
        MartletError(
            .alreadyExists,
            "version \(version) of \(name) exists, and versions never change. Take the next number (--version "
                + "\(version < Int.max ? version + 1 : version)), or remove that folder first.")
    }
}
