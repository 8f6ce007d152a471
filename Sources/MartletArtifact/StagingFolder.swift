internal import Glibc
internal import MartletCore

/// A hidden folder beside the versions, in which one is written; what is left of it is removed when it is old.
///
/// Whoever has one has its lock, in this process and in every other, until the object goes. The kernel gives the lock
/// back when a process dies.
final class StagingFolder {
    static let prefix = ".staging-"
    /// Age in seconds after which a folder that nobody works on is taken for a leftover of a run that died.
    static let staleSeconds = 86_400

    let name: String
    let folder: FolderHandle

    /// Makes the folder, or takes up what an earlier run left of it.
    /// - Parameters:
    ///   - name: begins with `.staging-`.
    ///   - parent: the model's folder.
    ///   - isShared: others may come to the same name. False goes on where the file system knows no locks, as some of
    ///     other machines do not.
    /// - Throws: `.aborted` while somebody else works on it.
    init(named name: String, in parent: borrowing FolderHandle, isShared: Bool) throws(MartletError) {
        folder = try StagingFolder.locked(name, in: parent, isShared: isShared)
        self.name = name
        // Its age counts from now; where that cannot be said, the lock keeps it.
        futimens(folder.descriptor, nil)
    }

    private static func locked(
        _ name: String, in parent: borrowing FolderHandle, isShared: Bool
    ) throws(MartletError) -> FolderHandle {
        // Another publisher may finish, or clean up, between two of the steps below: then the folder that was locked is
        // not the one of that name, and everything is looked at again.
        for _ in 0..<8 {
            if mkdirat(parent.descriptor, name, 0o755) != 0, errno != EEXIST {
                throw .system(
                    "the model's folder", "make a folder in it", errno,
                    wayOut: "Give this user the right to write there.")
            }
            guard let found = parent.status(of: name) else { continue }
            let folder = try FolderHandle(named: name, in: parent, describedAs: "the hidden folder of this upload")
            guard flock(folder.descriptor, LOCK_EX | LOCK_NB) == 0 else {
                if errno == EINTR { continue }
                if errno == EWOULDBLOCK { throw busy }
                if !isShared { return folder }
                throw .system(
                    "the hidden folder of this upload", "lock it", errno,
                    wayOut: "Put the models folder on a file system that has locks (flock).")
            }
            let status = try folder.status()
            if let now = parent.status(of: name), now.st_ino == status.st_ino, now.st_dev == status.st_dev,
                now.st_ino == found.st_ino
            {
                return folder
            }
        }
        throw busy
    }

    private static var busy: MartletError {
        MartletError(
            .aborted, "another publisher sends the same version at this moment. Wait for it, or try again later.",
            retryAfter: .seconds(1))
    }

    /// Writes one new file and forces it to the disk.
    /// - Returns: its entry for the manifest.
    func write(
        _ name: String, _ body: ((UnsafeRawBufferPointer) throws(MartletError) -> Void) throws(MartletError) -> Void
    ) throws(MartletError) -> Manifest.File {
        let file = try StagedFile(creating: name, in: folder)
        try body { bytes throws(MartletError) in try file.append(bytes) }
        try file.force()
        return file.entry
    }

    func write(_ name: String, _ bytes: [UInt8]) throws(MartletError) -> Manifest.File {
        try write(name) { put throws(MartletError) in try bytes.lendBytes(put) }
    }

    /// Makes the folder the version: the one step that readers see. Every file in it is on the disk already.
    ///
    /// A plain rename never replaces a version: rename(2) replaces empty folders only, and no version is empty.
    /// - Throws: `.alreadyExists` when there is a version of that number now.
    func become(_ id: VersionID, in parent: borrowing FolderHandle) throws(MartletError) {
        try folder.force(describedAs: "the version's folder")
        try ModelVersions.checkFree(id, in: parent)
        while renameat(parent.descriptor, name, parent.descriptor, String(id.number)) != 0 {
            if errno == EINTR { continue }
            // What another publisher made since the look above.
            if errno == ENOTEMPTY || errno == EEXIST || errno == ENOTDIR { throw ModelVersions.exists(id) }
            throw .system("version \(id.number)", "give the folder its name", errno, wayOut: StagedFile.wayOut)
        }
        do throws(MartletError) {
            try parent.force(describedAs: "the model's folder")
        } catch {
            // It stays: readers may have it already.
            var error = error
            error.message += " The version is there and may be gone after a power cut; publish it once more."
            throw error
        }
    }

    /// Removes the folder and the files in it, unless it became the version.
    func remove(from parent: borrowing FolderHandle) { StagingFolder.remove(name, folder, from: parent) }

    /// Removes folders that are old and that nobody works on.
    static func removeStale(in parent: borrowing FolderHandle, secondsSinceEpoch now: Int) {
        for name in (try? parent.names(describedAs: "")) ?? [] where name.hasPrefix(prefix) {
            guard let status = parent.status(of: name), status.st_mode & S_IFMT == S_IFDIR,
                status.st_mtim.tv_sec < now - staleSeconds, let folder = try? FolderHandle(named: name, in: parent),
                flock(folder.descriptor, LOCK_EX | LOCK_NB) == 0
            else { continue }
            remove(name, folder, from: parent)
        }
    }

    private static func remove(
        _ name: String, _ folder: borrowing FolderHandle, from parent: borrowing FolderHandle
    ) {
        guard let status = try? folder.status(), let named = parent.status(of: name), named.st_ino == status.st_ino,
            named.st_dev == status.st_dev
        else { return }
        for file in (try? folder.names(describedAs: name)) ?? [] { unlinkat(folder.descriptor, file, 0) }
        unlinkat(parent.descriptor, name, AT_REMOVEDIR)
    }
}
