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
    /// It existed with these bytes before, as after a publish whose answer was lost.
    package var wasThere = false

    package var identity: ModelIdentity { ModelIdentity(name: id.model, version: id.number, digest: digest) }
}

/// Publishes a version so that readers see either nothing or all of it.
///
/// Everything is written to a hidden folder in the model's folder and forced to the disk, read back and verified, and
/// then renamed once.
package struct ArtifactWriter: Sendable {
    let limits: Limits
    private let secondsSinceEpoch: @Sendable () -> Int
    private let random: @Sendable () -> UInt32

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
        try ModelVersions.checkName(name)
        let model = try ModelVersions.open(name, in: try ModelVersions.openRoot(root))
        let number = if let requested { requested } else { try ModelVersions.next(in: model) }
        let id = VersionID(model: name, number: number)
        try ModelVersions.checkFree(id, in: model)
        StagingFolder.removeStale(in: model, secondsSinceEpoch: secondsSinceEpoch())
        let stagingName = "\(StagingFolder.prefix)\(id.model)-\(id.number)-\(String(random(), radix: 16))"
        // Its name is drawn at random: nobody else comes to it.
        let staging = try StagingFolder(named: stagingName, in: model, isShared: false)
        do throws(MartletError) {
            let published = try write(draft, to: staging, as: id)
            try staging.become(id, in: model)
            return published
        } catch {
            staging.remove(from: model)
            throw error
        }
    }

    /// Refuses early what `publish` would refuse at its end, before minutes of conversion are spent.
    package func checkFree(root: String, name: String, version: Int) throws(MartletError) {
        try ModelVersions.checkName(name)
        try ModelVersions.checkNumber(version)
        var found = stat()
        if lstat("\(root)/\(name)/\(version)", &found) == 0 {
            throw ModelVersions.exists(VersionID(model: name, number: version))
        }
    }

    private func write(
        _ draft: ArtifactDraft, to staging: StagingFolder, as id: VersionID
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
}
