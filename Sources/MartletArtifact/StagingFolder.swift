internal import Crypto
internal import Glibc
internal import MartletCore

/// A hidden folder beside the versions, in which one is written; removed again unless it became the version.
struct StagingFolder: ~Copyable {
    static let prefix = ".staging-"

    let name: String
    let folder: FolderHandle

    /// - Parameters:
    ///   - parent: the model's folder.
    ///   - name: begins with `.staging-`; nothing of that name may exist.
    init(named name: String, in parent: borrowing FolderHandle) throws(MartletError) {
        guard mkdirat(parent.descriptor, name, 0o755) == 0 else {
            throw .system(
                "the model's folder", "make a folder in it", errno,
                wayOut: "Give this user the right to write there.")
        }
        folder = try FolderHandle(named: name, in: parent)
        self.name = name
    }

    /// Writes one file and forces it to the disk.
    /// - Returns: its entry for the manifest.
    func write(
        _ name: String, _ body: ((UnsafeRawBufferPointer) throws(MartletError) -> Void) throws(MartletError) -> Void
    ) throws(MartletError) -> Manifest.File {
        let flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC
        let file = openat(folder.descriptor, name, flags, 0o644)
        guard file >= 0 else { throw .system(name, "create the file", errno) }
        defer { close(file) }
        var hash = SHA256()
        var written = 0
        try body { bytes throws(MartletError) in
            hash.update(bufferPointer: bytes)
            written += bytes.count
            var rest = bytes
            while let base = rest.baseAddress, !rest.isEmpty {
                // At most 64 MiB at a time: the kernel writes no more than 2 GiB in one call.
                let done = Glibc.write(file, base, min(rest.count, 64 << 20))
                if done < 0 {
                    if errno == EINTR { continue }
                    throw .system(name, "write the file", errno)
                }
                rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(done))
            }
        }
        guard fsync(file) == 0 else { throw .system(name, "force the file to the disk", errno) }
        return Manifest.File(name: name, bytes: written, sha256: hex(hash.finalize()))
    }

    func write(_ name: String, _ bytes: [UInt8]) throws(MartletError) -> Manifest.File {
        try write(name) { put throws(MartletError) in try bytes.lendBytes(put) }
    }

    /// Makes the folder the version: the one step that readers see.
    func become(_ version: String, in parent: borrowing FolderHandle) throws(MartletError) {
        guard fsync(folder.descriptor) == 0 else {
            throw .system("the version's folder", "force it to the disk", errno)
        }
        guard renameat(parent.descriptor, name, parent.descriptor, version) == 0 else {
            throw .system("version \(version)", "give the folder its name", errno)
        }
        guard fsync(parent.descriptor) == 0 else { throw .system("the model's folder", "force it to the disk", errno) }
    }

    /// Removes a staging folder and the files in it; leaves it where it holds anything else.
    static func remove(_ name: String, in parent: borrowing FolderHandle) {
        if let folder = try? FolderHandle(named: name, in: parent) {
            for file in (try? folder.names(describedAs: name)) ?? [] { unlinkat(folder.descriptor, file, 0) }
        }
        unlinkat(parent.descriptor, name, AT_REMOVEDIR)
    }
}
