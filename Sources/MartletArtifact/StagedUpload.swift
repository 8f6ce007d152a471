internal import Glibc
package import MartletCore
internal import Synchronization

/// One version on its way to the disk: takes the files' bytes in order, and becomes the version at the end.
///
/// Holds the lock of its staging folder until it is committed, abandoned or let go; let go before the end, what was
/// written waits for the same upload to be tried again. After an error of the disk everything is thrown away: what
/// reached it is not known then. Calls block; one publisher makes them.
package final class StagedUpload: Sendable {
    package let id: VersionID
    /// SHA-256 of the manifest in lower-case hex.
    package let digest: String
    /// Bytes of all files, manifest and signature not counted.
    package let totalBytes: Int

    private let state: Mutex<State>

    /// The version is there: there is nothing to send.
    init(
        _ there: ExistingVersion, of manifest: Manifest, manifestBytes: Int, parent: consuming FolderHandle,
        reader: ArtifactReader
    ) {
        id = there.id
        digest = there.digest
        totalBytes = manifest.totalBytes
        state = Mutex(
            State(
                id: there.id, digest: there.digest, manifest: manifest, manifestBytes: manifestBytes, reader: reader,
                parent: parent, staging: nil, files: [:], wasThere: true))
    }

    /// Writes manifest and signature, and hashes what an earlier upload left of the files.
    init(
        manifest: Manifest, bytes: [UInt8], digest: String, signature: [UInt8], staging: StagingFolder,
        parent: consuming FolderHandle, reader: ArtifactReader
    ) throws(MartletError) {
        id = VersionID(model: manifest.name, number: manifest.version)
        self.digest = digest
        totalBytes = manifest.totalBytes
        var files: [String: StagedFile] = [:]
        do throws(MartletError) {
            let listed = Set(manifest.files.map(\.name))
            for name in try staging.folder.names(describedAs: "the hidden folder of this upload")
            where !listed.contains(name) {
                // The manifest and the signature are written again; nothing else has a place here.
                guard unlinkat(staging.folder.descriptor, name, 0) == 0 else {
                    throw .system(quoted(name), "remove it from the hidden folder of this upload", errno)
                }
            }
            _ = try staging.write(Manifest.fileName, bytes)
            if !signature.isEmpty { _ = try staging.write(ModelSignature.fileName, signature) }
            for listed in manifest.files {
                let file = try StagedFile(resuming: listed.name, in: staging.folder, atMost: listed.bytes)
                files[listed.name] = file
                if listed.bytes == 0 { try file.open(in: staging.folder) }
                if file.held == listed.bytes, file.entry != listed {
                    try file.open(in: staging.folder)
                    try file.cut()
                    guard listed.bytes > 0 else { throw StagedUpload.wrongBytes(of: listed, were: file.entry) }
                }
                file.close()
            }
        } catch {
            staging.remove(from: parent)
            throw error
        }
        state = Mutex(
            State(
                id: VersionID(model: manifest.name, number: manifest.version), digest: digest, manifest: manifest,
                manifestBytes: bytes.count, reader: reader, parent: parent, staging: staging, files: files,
                wasThere: false))
    }

    /// How much of each file is there, in the manifest's order.
    package var held: [PublishEvent.HeldFile] { state.withLock { $0.held } }

    /// Bytes of all files that are there.
    package var heldBytes: Int { held.reduce(0) { $0 + $1.bytes } }

    /// Takes the next bytes of a file. Files may come in any order, each from where `held` says on.
    /// - Throws: `.invalidArgument` for a file, an offset or a length that cannot be; `.dataLoss` when the whole file
    ///   is there and is not the one that the manifest means: it is cut to nothing and may be sent again;
    ///   `.resourceExhausted`, `.failedPrecondition` or `.permissionDenied` when the disk does not take it.
    package func write(file: String, offset: Int, bytes: UnsafeRawBufferPointer) throws(MartletError) {
        try state.withLock { state throws(MartletError) in try state.write(file: file, offset: offset, bytes: bytes) }
    }

    package func write(file: String, offset: Int, bytes: [UInt8]) throws(MartletError) {
        try bytes.lendBytes { bytes throws(MartletError) in try write(file: file, offset: offset, bytes: bytes) }
    }

    /// Makes the version exist: read back and verified whole, forced to the disk, renamed once.
    /// - Throws: `.failedPrecondition` while bytes are missing, `.alreadyExists` when another publisher was first, and
    ///   what reading a version throws.
    package func commit() throws(MartletError) -> PublishedVersion {
        try state.withLock { state throws(MartletError) in try state.commit() }
    }

    /// Throws away what was sent.
    package func abandon() { state.withLock { $0.abandon() } }

    fileprivate static func wrongBytes(of listed: Manifest.File, were: Manifest.File) -> MartletError {
        .refused(
            listed.name, "its \(listed.bytes) bytes have SHA-256 \(were.sha256), the manifest says \(listed.sha256)",
            code: .dataLoss, wayOut: "The file was cut to nothing here; send it once more from its beginning.")
    }
}

/// What an upload knows; touched under its lock only.
private struct State: ~Copyable, @unchecked Sendable {  // safe: it never leaves the Mutex of its upload
    let id: VersionID
    let digest: String
    let manifest: Manifest
    let manifestBytes: Int
    let reader: ArtifactReader
    let parent: FolderHandle
    /// Nil when the version is there, or when the upload has ended.
    var staging: StagingFolder?
    var files: [String: StagedFile]
    var wasThere: Bool

    var held: [PublishEvent.HeldFile] {
        manifest.files.map { listed in
            PublishEvent.HeldFile(name: listed.name, bytes: wasThere ? listed.bytes : files[listed.name]?.held ?? 0)
        }
    }

    mutating func write(file name: String, offset: Int, bytes: UnsafeRawBufferPointer) throws(MartletError) {
        guard let listed = manifest.files.first(where: { $0.name == name }) else {
            throw MartletError(.invalidArgument, "file \(quoted(name)): the manifest of \(id) does not list it")
        }
        let held = wasThere ? listed.bytes : files[name]?.held ?? 0
        guard offset == held else {
            throw MartletError(
                .invalidArgument,
                "file \(quoted(name)): bytes come from offset \(offset), expected \(held), where the last ones ended")
        }
        guard bytes.count <= listed.bytes - held else {
            throw MartletError(
                .invalidArgument,
                "file \(quoted(name)): \(bytes.count) bytes at \(offset) go past the \(listed.bytes) of the manifest")
        }
        guard !bytes.isEmpty else { return }
        guard staging != nil, let file = files[name] else { throw ended }
        do throws(MartletError) {
            try append(bytes, to: file)
        } catch {
            // What is on the disk now is not known.
            abandon()
            throw error
        }
        if file.held == listed.bytes {
            let entry = file.entry
            if entry != listed {
                do throws(MartletError) {
                    try file.cut()
                } catch {
                    abandon()
                    throw error
                }
                throw StagedUpload.wrongBytes(of: listed, were: entry)
            }
            file.close()
        }
    }

    private func append(_ bytes: UnsafeRawBufferPointer, to file: StagedFile) throws(MartletError) {
        // One file open at a time: hundreds of uploads' files would use up the descriptors.
        for other in files.values where other !== file { other.close() }
        guard let staging else { throw ended }
        try file.open(in: staging.folder)
        try file.append(bytes)
    }

    private var ended: MartletError {
        MartletError(.failedPrecondition, "this upload of \(id) has ended. Begin it again.")
    }

    mutating func commit() throws(MartletError) -> PublishedVersion {
        if wasThere {
            let folder = try FolderHandle(named: String(id.number), in: parent)
            // A publish that failed at its last step may have left this to do.
            try folder.force(describedAs: "the version's folder")
            try parent.force(describedAs: "the model's folder")
            return try published(try reader.read(folder))
        }
        for listed in manifest.files {
            let held = files[listed.name]?.held ?? 0
            guard held == listed.bytes else {
                throw MartletError(
                    .failedPrecondition,
                    "\(listed.name): \(held) of its \(listed.bytes) bytes are there. Send the rest, then ask again.")
            }
        }
        let artifact: ModelArtifact
        do throws(MartletError) {
            artifact = try become()
        } catch {
            abandon()
            throw error
        }
        staging = nil
        wasThere = true
        var result = try published(artifact)
        result.wasThere = false
        return result
    }

    private func become() throws(MartletError) -> ModelArtifact {
        guard let staging else { throw ended }
        for listed in manifest.files {
            guard let file = files[listed.name] else { continue }
            try file.open(in: staging.folder)
            try file.force()
            file.close()
        }
        // What reached the disk is what a server will accept: its own reader says so before anybody else sees it.
        let artifact = try reader.read(staging.folder)
        try staging.become(id, in: parent)
        return artifact
    }

    private func published(_ artifact: ModelArtifact) throws(MartletError) -> PublishedVersion {
        guard artifact.digest == digest, artifact.manifest.name == id.model, artifact.manifest.version == id.number
        else { throw ModelVersions.exists(id) }
        return PublishedVersion(
            id: id, digest: digest, bytes: manifest.totalBytes + manifestBytes, wasThere: true)
    }

    mutating func abandon() {
        for file in files.values { file.close() }
        files = [:]
        staging?.remove(from: parent)
        staging = nil
    }
}

extension Manifest {
    /// Bytes of all files it lists. Each is below a limit, and there are few, but limits can be set.
    package var totalBytes: Int {
        files.reduce(0) { sum, file in
            let (next, overflow) = sum.addingReportingOverflow(max(0, file.bytes))
            return overflow ? .max : next
        }
    }
}
