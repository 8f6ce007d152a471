internal import Glibc
package import MartletCore

/// Takes a finished version's files, from a peer or from a folder, and makes the version exist in one step.
///
/// The files go to a hidden folder whose name follows from the version and its manifest, so that the same publish tried
/// again goes on where it broke off. Readers see nothing of it before the last rename. A version never changes: the
/// same bytes once more are a success, other bytes are refused.
package struct VersionPublisher: Sendable {
    let root: String
    let limits: Limits
    let reader: ArtifactReader
    private let secondsSinceEpoch: @Sendable () -> Int

    /// - Parameters:
    ///   - root: the folder of all models; made when missing.
    ///   - signatures: what the version's signature must be; looked at before any file is taken.
    package init(
        root: String, limits: Limits = Limits(), signatures: SignaturePolicy = SignaturePolicy(),
        secondsSinceEpoch: @escaping @Sendable () -> Int = { time(nil) }
    ) {
        self.root = root
        self.limits = limits
        reader = ArtifactReader(limits: limits, signatures: signatures)
        self.secondsSinceEpoch = secondsSinceEpoch
    }

    /// Checks the manifest and the room on the disk, and takes up what an upload that broke off has left.
    ///
    /// Blocks: what is there already is hashed again.
    /// - Parameters:
    ///   - manifest: the bytes of `manifest.json`.
    ///   - signature: the bytes of `model.sig`; empty without one.
    /// - Throws: `.alreadyExists` when the version is there with other bytes, `.aborted` while another publisher sends
    ///   the same ones, `.resourceExhausted` with the missing bytes when the disk has no room, `.failedPrecondition`
    ///   and `.dataLoss` for a manifest that does not hold, `.permissionDenied` for a signature that does not.
    package func begin(manifest bytes: [UInt8], signature: [UInt8] = []) throws(MartletError) -> StagedUpload {
        let manifest = try checked(bytes)
        let digest = sha256(bytes)
        try check(signature, signs: manifest, digest: digest)
        let id = VersionID(model: manifest.name, number: manifest.version)

        let home = try ModelVersions.openRoot(root)
        let stagingName = "\(StagingFolder.prefix)\(id.model)-\(id.number)-\(digest.prefix(16))"
        if home.status(of: id.model) != nil {
            let model = try FolderHandle(named: id.model, in: home, describedAs: "the model's folder")
            if let there = try ExistingVersion(id, digest: digest, signature: signature, in: model) {
                return StagedUpload(there, of: manifest, manifestBytes: bytes.count, parent: model, reader: reader)
            }
            StagingFolder.removeStale(in: model, secondsSinceEpoch: secondsSinceEpoch())
            try checkRoom(for: manifest, bytes.count + signature.count, besides: model, stagingName, in: home)
        } else {
            try checkRoom(for: manifest, bytes.count + signature.count, in: home)
        }

        let model = try ModelVersions.open(id.model, in: home)
        let staging = try StagingFolder(named: stagingName, in: model, isShared: true)
        // Between the look above and the lock another publisher may have come to its end.
        if let there = try ExistingVersion(id, digest: digest, signature: signature, in: model) {
            staging.remove(from: model)
            return StagedUpload(there, of: manifest, manifestBytes: bytes.count, parent: model, reader: reader)
        }
        return try StagedUpload(
            manifest: manifest, bytes: bytes, digest: digest, signature: signature, staging: staging, parent: model,
            reader: reader)
    }

    private func checked(_ bytes: [UInt8]) throws(MartletError) -> Manifest {
        guard bytes.count <= limits.manifestBytesMax else {
            throw .refused(Manifest.fileName, "has \(bytes.count) bytes, the limit is \(limits.manifestBytesMax)")
        }
        let limits = limits
        return try bytes.lendBytes { bytes throws(MartletError) in try Manifest.decoded(from: bytes, limits: limits) }
    }

    private func check(_ signature: [UInt8], signs manifest: Manifest, digest: String) throws(MartletError) {
        guard signature.count <= limits.signatureBytesMax else {
            throw ModelSignature.tooLarge(signature.count, limits)
        }
        let limits = limits
        let policy = reader.signatures
        if signature.isEmpty {
            _ = try policy.check(nil, signs: manifest, digest: digest, limits)
        } else {
            _ = try signature.lendBytes { bytes throws(MartletError) in
                try policy.check(bytes, signs: manifest, digest: digest, limits)
            }
        }
    }

    // MARK: Room

    /// Refuses before anything is written what the disk could not hold.
    private func checkRoom(
        for manifest: Manifest, _ extraBytes: Int, besides model: borrowing FolderHandle, _ stagingName: String,
        in root: borrowing FolderHandle
    ) throws(MartletError) {
        var held: [String: Int] = [:]
        if let staging = try? FolderHandle(named: stagingName, in: model) {
            for file in manifest.files { held[file.name] = staging.status(of: file.name).map { Int($0.st_size) } }
        }
        try checkRoom(for: manifest, extraBytes, held: held, in: root)
    }

    private func checkRoom(
        for manifest: Manifest, _ extraBytes: Int, held: [String: Int] = [:], in root: borrowing FolderHandle
    ) throws(MartletError) {
        var room = statvfs()
        // A file system that does not say how large it is says nothing about its room either.
        guard fstatvfs(root.descriptor, &room) == 0, room.f_blocks > 0, room.f_frsize > 0 else { return }
        let unit = Double(room.f_frsize)
        // Whole blocks for each file, and a few for manifest, signature and folders. Floats: sizes are far below 2^53.
        var needed = (Double(extraBytes) / unit).rounded(.up) * unit + 4 * unit
        for file in manifest.files {
            needed += (Double(max(0, file.bytes - (held[file.name] ?? 0))) / unit).rounded(.up) * unit
        }
        let free = Double(room.f_bavail) * unit
        guard needed <= free else {
            throw MartletError(
                .resourceExhausted,
                "\(manifest.name)/\(manifest.version) needs \(Int(needed)) more bytes on the disk of the models "
                    + "folder, \(Int(free)) are free: \(Int(needed - free)) are missing. Free that much and try again.")
        }
    }
}

/// A version that is there already with the bytes that somebody wants to publish.
struct ExistingVersion {
    let id: VersionID
    let digest: String

    /// Nil when there is nothing of that number.
    /// - Parameter signature: empty takes whatever signature is there: it may have been added since.
    /// - Throws: `.alreadyExists` when it has another manifest or signature, or none that can be read.
    init?(
        _ id: VersionID, digest: String, signature: [UInt8], in model: borrowing FolderHandle
    ) throws(MartletError) {
        let name = String(id.number)
        guard model.status(of: name) != nil else { return nil }
        guard let folder = try? FolderHandle(named: name, in: model),
            let manifest = try? FileHandle(named: Manifest.fileName, in: folder),
            let there = try? SealedBytes(reading: manifest), there.digest == digest
        else { throw ModelVersions.exists(id) }
        self.id = id
        self.digest = digest
        guard !signature.isEmpty else { return }
        var held: [UInt8] = []
        if folder.status(of: ModelSignature.fileName) != nil {
            guard let file = try? FileHandle(named: ModelSignature.fileName, in: folder),
                let bytes = try? SealedBytes(reading: file)
            else { throw ModelVersions.exists(id) }
            held = bytes.array
        }
        guard held == signature else {
            throw MartletError(
                .alreadyExists,
                "\(id) exists with these bytes and another \(ModelSignature.fileName). Put the new signature into its "
                    + "folder by hand, or publish the next number.")
        }
    }
}
