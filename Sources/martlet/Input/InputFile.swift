#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// A file the user named, with messages that say what is the matter.
enum InputFile {
    /// - Parameter path: `-` for standard input.
    static func open(_ path: String) throws(CommandFailure) -> Int32 {
        if path == "-" { return 0 }
        let descriptor = openForReading(path)
        guard descriptor >= 0 else {
            throw CommandFailure(.noInput, "cannot open '\(path)': \(String(cString: strerror(errno)))")
        }
        var details = stat()
        if fstat(descriptor, &details) == 0, details.st_mode & S_IFMT == S_IFDIR {
            close(descriptor)
            throw CommandFailure(.noInput, "'\(path)' is a folder; name a file")
        }
        return descriptor
    }

    /// - Throws: `.noInput` when `path` is no folder.
    static func requireFolder(_ path: String) throws(CommandFailure) {
        var details = stat()
        guard stat(path, &details) == 0 else {
            throw CommandFailure(.noInput, "cannot open the folder '\(path)': \(String(cString: strerror(errno)))")
        }
        guard details.st_mode & S_IFMT == S_IFDIR else {
            throw CommandFailure(.noInput, "'\(path)' is a file; name the folder it lies in")
        }
    }

    /// Bytes of a regular file; nil for pipes and terminals.
    static func size(_ descriptor: Int32) -> Int? {
        var details = stat()
        guard fstat(descriptor, &details) == 0, details.st_mode & S_IFMT == S_IFREG else { return nil }
        return Int(details.st_size)
    }

    /// The next bytes; empty at the end.
    static func read(_ descriptor: Int32, name: String, upTo count: Int) throws(CommandFailure) -> [UInt8] {
        while true {
            var failure: Int32 = 0
            let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
                let got = readBytes(descriptor, buffer.baseAddress, count)
                failure = got < 0 ? errno : 0
                filled = max(0, got)
            }
            if failure == 0 { return bytes }
            if failure != EINTR {
                throw CommandFailure(.noInput, "cannot read \(name): \(String(cString: strerror(failure)))")
            }
        }
    }

    /// Bytes `range` of a regular file, fewer when it ends before; nil when it cannot be read there, as a pipe cannot.
    static func bytes(_ range: Range<Int>, of descriptor: Int32) -> [UInt8]? {
        var collected: [UInt8] = []
        while collected.count < range.count {
            let want = min(range.count - collected.count, 1 << 20)
            var failed = false
            let part = [UInt8](unsafeUninitializedCapacity: want) { buffer, filled in
                let got = pread(descriptor, buffer.baseAddress, want, off_t(range.lowerBound + collected.count))
                failed = got < 0
                filled = max(0, got)
            }
            if failed { return nil }
            if part.isEmpty { break }
            collected += part
        }
        return collected
    }
}

private func openForReading(_ path: String) -> Int32 { open(path, O_RDONLY | O_CLOEXEC) }

private func readBytes(_ descriptor: Int32, _ bytes: UnsafeMutablePointer<UInt8>?, _ count: Int) -> Int {
    read(descriptor, bytes, count)
}
