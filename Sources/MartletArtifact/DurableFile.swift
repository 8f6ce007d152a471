internal import Crypto
internal import Glibc
package import MartletCore
internal import Synchronization

/// A small file that is there whole, as it was written last, whenever the process or the machine stops.
///
/// A header line with the SHA-256 of what follows tells a torn or edited file. Written under a temporary name, forced
/// to the disk and renamed; a change that another process made meanwhile is not overwritten.
package final class DurableFile: Sendable {
    package let folder: String
    package let name: String
    /// What the file is, for messages; never its path.
    private let what: String
    /// First word of the header line.
    private let kind: String
    private let bytesMax: Int
    /// Digest of what was read or written last; nil before, and while there is no file.
    private let known = Mutex<String?>(nil)
    /// Whether the folder's name was forced to the disk.
    private let isFolderForced = Atomic(false)

    /// - Parameters:
    ///   - folder: made at the first write when it is not there.
    ///   - what: such as `the state file`.
    ///   - kind: such as `martlet-state`; begins the file.
    package init(folder: String, name: String, what: String, kind: String, bytesMax: Int) {
        self.folder = folder
        self.name = name
        self.what = what
        self.kind = kind
        self.bytesMax = bytesMax
    }

    /// What was written last; nil when there is no file.
    /// - Throws: `.dataLoss` for a torn or edited file, `.permissionDenied` for one that others may write.
    package func read() throws(MartletError) -> [UInt8]? {
        let bytes: [UInt8]?
        do throws(MartletError) {
            bytes = try content(in: try openFolder())
        } catch where error.code == .notFound {
            bytes = nil
        }
        let digest = bytes.map { sha256($0) }
        known.withLock { $0 = digest }
        return bytes
    }

    /// Returns once `bytes` would survive a loss of power. On an error what was there before still is, unless the
    /// message says that it could not be put back.
    /// - Throws: `.aborted` when another process wrote the file since.
    package func write(_ bytes: [UInt8]) throws(MartletError) {
        guard bytes.count <= bytesMax else {
            throw MartletError(
                .resourceExhausted, "\(what) would have \(bytes.count) bytes, and \(bytesMax) is the limit")
        }
        let isNew = mkdir(folder, 0o700) == 0
        guard isNew || errno == EEXIST else { throw failure("make the folder for it", errno) }
        let handle = try openFolder()
        if isNew || !isFolderForced.load(ordering: .relaxed) {
            try handle.forceName(isNew: isNew, describedAs: folderInWords, wayOut: Self.wayOut)
            isFolderForced.store(true, ordering: .relaxed)
        }
        // Held until the descriptor is closed: two processes do not look and write at the same time.
        guard flock(handle.descriptor, LOCK_EX | LOCK_NB) == 0 else { throw changedByAnother }
        let before = try content(in: handle)
        guard before.map({ sha256($0) }) == known.withLock({ $0 }) else { throw changedByAnother }
        try place(bytes, in: handle)
        guard fsync(handle.descriptor) == 0 else {
            let number = errno
            // What is refused must not come to life with the next start.
            guard putBack(before, in: handle) else {
                throw failure(
                    "force its folder to the disk, nor put back what it held: a restart may find either", number)
            }
            throw failure("force its folder to the disk", number)
        }
    }

    private func openFolder() throws(MartletError) -> FolderHandle {
        try FolderHandle(following: folder, describedAs: folderInWords, wayOut: Self.wayOut)
    }

    private var folderInWords: String { "the folder of \(what)" }

    /// Makes `bytes` the file's content in one step, forced to the disk but for its name.
    private func place(_ bytes: [UInt8], in handle: borrowing FolderHandle) throws(MartletError) {
        let digest = sha256(bytes)
        let temporary = ".\(name).new"
        unlinkat(handle.descriptor, temporary, 0)
        let file = openat(
            handle.descriptor, temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o600)
        guard file >= 0 else { throw failure("create it", errno) }
        do throws(MartletError) {
            defer { close(file) }
            try put(Array("\(kind) sha256:\(digest)\n".utf8) + bytes, into: file)
            guard fsync(file) == 0 else { throw failure("force it to the disk", errno) }
        } catch {
            unlinkat(handle.descriptor, temporary, 0)
            throw error
        }
        guard renameat(handle.descriptor, temporary, handle.descriptor, name) == 0 else {
            let number = errno
            unlinkat(handle.descriptor, temporary, 0)
            throw failure("give it its name", number)
        }
        known.withLock { $0 = digest }
    }

    /// - Parameter before: nil when there was no file.
    /// - Returns: whether it worked.
    private func putBack(_ before: [UInt8]?, in handle: borrowing FolderHandle) -> Bool {
        guard let before else {
            guard unlinkat(handle.descriptor, name, 0) == 0 else { return false }
            known.withLock { $0 = nil }
            return true
        }
        do throws(MartletError) {
            try place(before, in: handle)
            return true
        } catch {
            return false
        }
    }

    private var changedByAnother: MartletError {
        MartletError(
            .aborted,
            "another server changed \(what) since this one read it; give each server a state folder of its own, or "
                + "start this one again")
    }

    private func failure(_ doing: String, _ number: Int32) -> MartletError {
        .system(what, doing, number, wayOut: Self.wayOut)
    }

    private static let wayOut = "Give the server a state folder that it can read and write: --state."

    private func put(_ bytes: [UInt8], into file: Int32) throws(MartletError) {
        var done = 0
        while done < bytes.count {
            let count = bytes.withUnsafeBytes { Glibc.write(file, $0.baseAddress.map { $0 + done }, $0.count - done) }
            if count < 0 {
                if errno == EINTR { continue }
                throw failure("write it", errno)
            }
            done += count
        }
    }

    // MARK: Reading

    /// What follows the header; nil without a file.
    private func content(in handle: borrowing FolderHandle) throws(MartletError) -> [UInt8]? {
        var folder = stat()
        guard fstat(handle.descriptor, &folder) == 0 else { throw failure("look at its folder", errno) }
        guard folder.st_mode & S_IWOTH == 0 else {
            throw refused("everybody may write to its folder", "Take that right away: chmod o-w.", .permissionDenied)
        }
        let file = openat(handle.descriptor, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)
        guard file >= 0 else {
            if errno == ENOENT { return nil }
            if errno == ELOOP { throw refused("is a symbolic link", Self.moveAside) }
            throw failure("open it", errno)
        }
        defer { close(file) }
        var found = stat()
        guard fstat(file, &found) == 0 else { throw failure("look at it", errno) }
        guard found.st_mode & S_IFMT == S_IFREG else {
            throw refused("is \(FileHandle.kind(found.st_mode)) and not a file", Self.moveAside)
        }
        guard found.st_mode & (S_IWOTH | S_IWGRP) == 0, found.st_uid == geteuid() || found.st_uid == 0 else {
            throw refused("others may write to it", "Make it this user's alone: chmod 600.", .permissionDenied)
        }
        // The header line has less than 256 bytes.
        guard found.st_size <= bytesMax + 256 else {
            throw refused("has \(found.st_size) bytes, and \(bytesMax) is the limit", Self.moveAside)
        }
        return try checked(try bytes(of: file, count: Int(found.st_size)))
    }

    private func bytes(of file: Int32, count: Int) throws(MartletError) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        var done = 0
        while done < count {
            let got = bytes.withUnsafeMutableBytes {
                pread(file, $0.baseAddress.map { $0 + done }, count - done, off_t(done))
            }
            if got < 0 {
                if errno == EINTR { continue }
                throw failure("read it", errno)
            }
            if got == 0 { break }
            done += got
        }
        return Array(bytes.prefix(done))
    }

    private func checked(_ bytes: [UInt8]) throws(MartletError) -> [UInt8] {
        guard let end = bytes.prefix(256).firstIndex(of: 0x0A) else {
            throw refused("is empty or torn", Self.moveAside, .dataLoss)
        }
        let content = Array(bytes[(end + 1)...])
        guard Array(bytes[..<end]) == Array("\(kind) sha256:\(sha256(content))".utf8) else {
            throw refused("was torn or edited: its bytes are not those that were written", Self.moveAside, .dataLoss)
        }
        return content
    }

    private static let moveAside = "Move it away to begin without it."

    private func refused(
        _ problem: String, _ wayOut: String, _ code: MartletError.Code = .failedPrecondition
    ) -> MartletError {
        MartletError(code, "\(what) \(problem). \(wayOut)")
    }
}
