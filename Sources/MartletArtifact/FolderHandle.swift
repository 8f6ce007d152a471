internal import Glibc
internal import MartletCore

/// An open folder. Everything inside is reached relative to it, so that a folder swapped meanwhile changes nothing.
///
/// Owns its descriptor and closes it at its end.
struct FolderHandle: ~Copyable {
    let descriptor: Int32

    /// Opens `path`; its last component must be a folder and not a symbolic link.
    init(path: String, describedAs name: String) throws(MartletError) {
        let opened = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
        guard opened >= 0 else { throw FolderHandle.failure(name, errno) }
        descriptor = opened
    }

    /// Opens `path` wherever it leads: for the folder of all models, which the operator may well link.
    /// - Parameter wayOut: what to do when it cannot be opened; nil: of a version or a models folder.
    init(following path: String, describedAs name: String, wayOut: String? = nil) throws(MartletError) {
        let opened = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard opened >= 0 else { throw FolderHandle.failure(name, errno, wayOut: wayOut) }
        descriptor = opened
    }

    /// Opens the folder `name` inside `parent`.
    init(named name: String, in parent: borrowing FolderHandle, describedAs label: String? = nil) throws(MartletError) {
        let opened = openat(parent.descriptor, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
        guard opened >= 0 else { throw FolderHandle.failure(label ?? name, errno) }
        descriptor = opened
    }

    deinit { close(descriptor) }

    private static func failure(_ name: String, _ number: Int32, wayOut: String? = nil) -> MartletError {
        switch (number, wayOut) {
        case (ENOTDIR, let wayOut?): MartletError(.failedPrecondition, "\(name): not a folder. \(wayOut)")
        case (ENOTDIR, nil), (ELOOP, nil):
            MartletError(
                .failedPrecondition,
                "\(name): not a folder (symbolic links are not followed). Put the folder itself there.")
        default: .system(name, "open the folder", number, wayOut: wayOut)
        }
    }

    /// Names inside, without `.` and `..`, sorted by their bytes.
    func names(describedAs label: String) throws(MartletError) -> [String] {
        // A second open instead of a duplicate: duplicates share one reading position.
        let second = openat(descriptor, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard second >= 0 else { throw .system(label, "list the folder", errno) }
        guard let stream = fdopendir(second) else {
            let number = errno
            close(second)
            throw .system(label, "list the folder", number)
        }
        defer { closedir(stream) }
        var names: [String] = []
        while true {
            errno = 0
            guard let entry = readdir(stream) else {
                if errno != 0 { throw .system(label, "list the folder", errno) }
                break
            }
            let name = withUnsafePointer(to: entry.pointee.d_name) { tuple in
                tuple.withMemoryRebound(to: CChar.self, capacity: MemoryLayout.size(ofValue: tuple.pointee)) {
                    String(cString: $0)
                }
            }
            if name != "." && name != ".." { names.append(name) }
        }
        return names.sorted { Array($0.utf8).lexicographicallyPrecedes(Array($1.utf8)) }
    }

    /// Forces the folder's list of names to the disk.
    func force(describedAs label: String) throws(MartletError) {
        let number = Self.force(descriptor)
        guard number == 0 else { throw .system(label, "force it to the disk", number, wayOut: StagedFile.wayOut) }
    }

    /// Forces the folder's own name to the disk, in the folder that it lies in.
    ///
    /// One that was there already may be without it: a process that was killed between the two calls made it.
    /// - Parameters:
    ///   - isNew: whether this process made it. What was there may lie on a disk that cannot be written.
    ///   - wayOut: what to do when it cannot be forced.
    /// - Throws: as the system's number tells it, such as `.resourceExhausted` for a full disk.
    func forceName(isNew: Bool, describedAs label: String, wayOut: String) throws(MartletError) {
        let parent = openat(descriptor, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard parent >= 0 else {
            guard errno == EACCES else {
                throw .system(label, "open the folder that it lies in", errno, wayOut: wayOut)
            }
            // Whoever may not open that folder can still force everything; on Linux this waits for it, see sync(2).
            return sync()
        }
        defer { close(parent) }
        let number = Self.force(parent)
        guard number == 0 || (!isNew && (number == EINVAL || number == EROFS)) else {
            throw .system(label, "force its name to the disk", number, wayOut: wayOut)
        }
    }

    /// - Returns: 0, or the system's number.
    private static func force(_ descriptor: Int32) -> Int32 {
        while fsync(descriptor) != 0 {
            if errno != EINTR { return errno }
        }
        return 0
    }

    /// What `name` is, symbolic links not followed; nil when there is nothing of that name.
    func status(of name: String) -> stat? {
        var result = stat()
        return fstatat(descriptor, name, &result, AT_SYMLINK_NOFOLLOW) == 0 ? result : nil
    }

    /// What the folder itself is.
    func status() throws(MartletError) -> stat {
        var result = stat()
        guard fstat(descriptor, &result) == 0 else { throw .system("the folder", "look at it", errno) }
        return result
    }
}

/// A regular file opened for reading, refused when it is anything else or when strangers may write to it (`Writers`).
struct FileHandle: ~Copyable {
    let name: String
    let descriptor: Int32
    /// Size when opened; `SealedBytes` refuses a file that turns out shorter or longer.
    let byteCount: Int

    init(named name: String, in folder: borrowing FolderHandle) throws(MartletError) {
        // Without O_NONBLOCK the open of a FIFO would wait for a writer.
        let opened = openat(folder.descriptor, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)
        guard opened >= 0 else {
            switch errno {
            case ELOOP:
                throw .refused(name, "is a symbolic link; a version holds regular files only")
            case ENXIO:
                throw .refused(name, "is a socket or device; a version holds regular files only")
            case ENOENT:
                throw .refused(name, "is missing", code: .notFound)
            default:
                throw .system(name, "open the file", errno)
            }
        }
        var found = stat()
        guard fstat(opened, &found) == 0 else {
            let number = errno
            close(opened)
            throw .system(name, "look at the file", number)
        }
        guard found.st_mode & S_IFMT == S_IFREG else {
            close(opened)
            throw .refused(name, "is \(FileHandle.kind(found.st_mode)); a version holds regular files only")
        }
        if let stranger = Writers.stranger(found) {
            close(opened)
            throw .refused(name, stranger.problem, code: .permissionDenied, wayOut: stranger.wayOut)
        }
        self.name = name
        descriptor = opened
        byteCount = Int(found.st_size)
    }

    deinit { close(descriptor) }

    /// The next bytes from `offset` on, at least one.
    /// - Throws: `.dataLoss` when the file ends there.
    func bytes(at offset: Int, upTo most: Int) throws(MartletError) -> [UInt8] {
        while true {
            var failure: Int32 = 0
            let bytes = [UInt8](unsafeUninitializedCapacity: most) { buffer, filled in
                let got = pread(descriptor, buffer.baseAddress, most, off_t(offset))
                failure = got < 0 ? errno : 0
                filled = max(0, got)
            }
            if failure == EINTR { continue }
            guard failure == 0 else { throw .system(name, "read the file", failure) }
            guard !bytes.isEmpty else {
                throw .refused(
                    name, "shrank from \(byteCount) to \(offset) bytes while it was read", code: .dataLoss)
            }
            return bytes
        }
    }

    /// Such as "a folder".
    static func kind(_ mode: mode_t) -> String {
        switch mode & S_IFMT {
        case S_IFDIR: "a folder"
        case S_IFLNK: "a symbolic link"
        case S_IFIFO: "a FIFO"
        case S_IFSOCK: "a socket"
        case S_IFCHR, S_IFBLK: "a device"
        default: "not a regular file"
        }
    }
}
