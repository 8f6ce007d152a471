internal import Crypto
internal import Glibc
internal import MartletCore

/// One file of a staging folder while it is written: the bytes that are there and their SHA-256.
///
/// Owns its descriptor, which is open between the first byte written and `close`. Used by one thread at a time.
final class StagedFile {
    let name: String
    /// Bytes that are in the file and in the hash.
    private(set) var held = 0
    private var hash = SHA256()
    private var descriptor: Int32 = -1

    /// A new file.
    /// - Throws: `.alreadyExists` when there is something of that name.
    init(creating name: String, in folder: borrowing FolderHandle) throws(MartletError) {
        self.name = name
        descriptor = openat(folder.descriptor, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw .system(name, "create the file", errno, wayOut: StagedFile.wayOut) }
    }

    /// What an upload that broke off left of a file, hashed again; nothing where that could not be a part of it: longer
    /// than `most` bytes, no regular file, or one that has a second name somewhere else.
    init(resuming name: String, in folder: borrowing FolderHandle, atMost most: Int) throws(MartletError) {
        self.name = name
        if let status = folder.status(of: name) {
            let isOurs = status.st_mode & S_IFMT == S_IFREG && status.st_nlink == 1 && status.st_size <= most
            if isOurs {
                try read(in: folder)
            } else if unlinkat(folder.descriptor, name, 0) != 0 {
                throw .system(name, "remove what lies in its place", errno, wayOut: StagedFile.wayOut)
            }
        }
    }

    deinit { close() }

    static let wayOut = "Give this user the right to write to the models folder, and see that its disk is well."

    private func read(in folder: borrowing FolderHandle) throws(MartletError) {
        let file = try FileHandle(named: name, in: folder)
        while held < file.byteCount {
            let part = try file.bytes(at: held, upTo: min(1 << 20, file.byteCount - held))
            hash.update(data: part)
            held += part.count
        }
    }

    /// Opens the file for more, made when it is not there.
    func open(in folder: borrowing FolderHandle) throws(MartletError) {
        guard descriptor < 0 else { return }
        // What could not be taken up must not stay behind what is written now.
        let flags = O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC | (held == 0 ? O_TRUNC : 0)
        descriptor = openat(folder.descriptor, name, flags, 0o644)
        guard descriptor >= 0 else { throw .system(name, "open the file to write", errno, wayOut: StagedFile.wayOut) }
    }

    /// Writes `bytes` at the end. The file must be open.
    func append(_ bytes: UnsafeRawBufferPointer) throws(MartletError) {
        var rest = bytes
        while let base = rest.baseAddress, !rest.isEmpty {
            // At most 64 MiB at a time: the kernel writes no more than 2 GiB in one call.
            let done = pwrite(descriptor, base, min(rest.count, 64 << 20), off_t(held))
            if done < 0, errno == EINTR { continue }
            // A disk that takes nothing and says nothing would be asked for ever.
            guard done > 0 else {
                throw .system(name, "write the file", done < 0 ? errno : EIO, wayOut: StagedFile.wayOut)
            }
            hash.update(bufferPointer: UnsafeRawBufferPointer(rebasing: rest.prefix(done)))
            held += done
            rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(done))
        }
    }

    /// Throws away what is there. The file must be open.
    func cut() throws(MartletError) {
        guard ftruncate(descriptor, 0) == 0 else {
            throw .system(name, "cut the file", errno, wayOut: StagedFile.wayOut)
        }
        held = 0
        hash = SHA256()
    }

    /// Forces the file to the disk. The file must be open.
    func force() throws(MartletError) {
        while fsync(descriptor) != 0 {
            guard errno == EINTR else {
                throw .system(name, "force the file to the disk", errno, wayOut: StagedFile.wayOut)
            }
        }
    }

    func close() {
        if descriptor >= 0 { Glibc.close(descriptor) }
        descriptor = -1
    }

    /// The file's entry in a manifest, of the bytes so far.
    var entry: Manifest.File { Manifest.File(name: name, bytes: held, sha256: hex(hash.finalize())) }
}
