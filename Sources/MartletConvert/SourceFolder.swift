internal import Glibc
internal import MartletArtifact
internal import MartletCore

/// The published model folder that is converted. It is the operator's own and only read: symbolic links are followed,
/// as download caches are made of them.
package struct SourceFolder: Sendable {
    package let path: String

    package init(_ path: String) { self.path = path }

    func has(_ name: String) -> Bool { access("\(path)/\(name)", F_OK) == 0 }

    /// A whole small file.
    /// - Parameter name: a plain file name, or one inside a plain folder name.
    func read(_ name: String, bytesMax: Int) throws(MartletError) -> [UInt8] {
        let file = try SourceFile(name, in: self)
        guard file.byteCount <= bytesMax else {
            throw .source(name, "has \(file.byteCount) bytes, the limit is \(bytesMax)")
        }
        return try file.read(at: 0, count: file.byteCount)
    }

    /// A JSON file; nesting bombs and repeated keys are refused.
    func readJSON<Value: Decodable>(
        _ type: Value.Type, _ name: String, bytesMax: Int = 64 << 20
    ) throws(MartletError) -> Value {
        let bytes = try read(name, bytesMax: bytesMax)
        return try bytes.lend { bytes throws(MartletError) in
            try CanonicalJSON.decode(type, from: bytes, file: name)
        }
    }
}

/// One open file of the source folder.
final class SourceFile: Sendable {
    let name: String
    let byteCount: Int
    private let descriptor: Int32

    init(_ name: String, in folder: SourceFolder) throws(MartletError) {
        let opened = open("\(folder.path)/\(name)", O_RDONLY | O_NONBLOCK | O_CLOEXEC)
        guard opened >= 0 else {
            throw errno == ENOENT
                ? MartletError(.notFound, "\(name): the model folder has no such file.")
                : .source(name, "cannot be opened: \(String(cString: strerror(errno)))")
        }
        descriptor = opened
        self.name = name
        var found = stat()
        let looked = fstat(opened, &found)
        byteCount = Int(found.st_size)
        guard looked == 0, found.st_mode & S_IFMT == S_IFREG else {
            throw .source(name, "is not a regular file")
        }
    }

    deinit { close(descriptor) }

    /// Exactly `count` bytes from `offset`; both inside the file as it was opened.
    func read(at offset: Int, count: Int) throws(MartletError) -> [UInt8] {
        var failure: MartletError?
        let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
            failure = fill(UnsafeMutableRawBufferPointer(buffer), from: offset)
            filled = failure == nil ? count : 0
        }
        if let failure { throw failure }
        return bytes
    }

    /// The same as little-endian numbers; `count` is in elements.
    func read<Number: BitwiseCopyable>(
        _ type: Number.Type, at offset: Int, count: Int
    ) throws(MartletError) -> [Number] {
        var failure: MartletError?
        let numbers = [Number](unsafeUninitializedCapacity: count) { buffer, filled in
            failure = fill(
                UnsafeMutableRawBufferPointer(start: buffer.baseAddress, count: count * MemoryLayout<Number>.stride),
                from: offset)
            filled = failure == nil ? count : 0
        }
        if let failure { throw failure }
        return numbers
    }

    private func fill(_ buffer: UnsafeMutableRawBufferPointer, from offset: Int) -> MartletError? {
        var done = 0
        while done < buffer.count, let base = buffer.baseAddress {
            let got = pread(descriptor, base + done, min(buffer.count - done, 64 << 20), off_t(offset + done))
            if got < 0, errno == EINTR { continue }
            guard got > 0 else {
                return .source(name, got < 0 ? "cannot be read" : "shrank while it was read")
            }
            done += got
        }
        return nil
    }
}

extension MartletError {
    /// Something in the model folder cannot be converted.
    static func source(
        _ file: String, _ problem: String, wayOut: String = "Download or save the model again.",
        code: MartletError.Code = .failedPrecondition
    ) -> MartletError {
        MartletError(code, "\(file): \(problem). \(wayOut)")
    }
}

extension [UInt8] {
    /// `withUnsafeBytes` that keeps the error's type.
    func lend<Result>(
        _ body: (UnsafeRawBufferPointer) throws(MartletError) -> Result
    ) throws(MartletError) -> Result {
        let result: Swift.Result<Result, MartletError> = withUnsafeBytes { bytes in
            do throws(MartletError) {
                return .success(try body(bytes))
            } catch {
                return .failure(error)
            }
        }
        return try result.get()
    }
}
