internal import Crypto
internal import Glibc
internal import MartletCore

/// The bytes of one file, copied into private memory that nobody writes to any more, and their SHA-256.
///
/// The copy is what gets verified and what gets served: a file that is truncated, grown or replaced later changes
/// nothing and cannot end the process with SIGBUS, as a mapping of the file itself would. The memory is anonymous, page
/// aligned, read-only once filled, and goes back to the system with the last reference.
package final class SealedBytes: @unchecked Sendable {  // safe: the memory is read-only from the end of `init` on
    package let bytes: UnsafeRawBufferPointer
    /// SHA-256 in lower-case hex.
    package let digest: String

    private let base: UnsafeMutableRawPointer
    private let mappedBytes: Int

    /// Reads a whole file.
    /// - Parameter checkpoint: called after each piece; throws to end the reading.
    /// - Throws: `.dataLoss` when the file does not hold exactly the bytes it had when it was opened.
    init(
        reading file: borrowing FileHandle, checkpoint: () throws(MartletError) -> Void = {}
    ) throws(MartletError) {
        let count = file.byteCount
        guard count >= 0 else { throw .refused(file.name, "its size is negative") }
        // One page at least: a mapping of zero bytes is an error.
        mappedBytes = max(count, 1)
        guard
            let memory = mmap(nil, mappedBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0),
            memory != MAP_FAILED
        else {
            throw MartletError(
                .resourceExhausted, "\(file.name): no memory for its \(count) bytes. Unload a model or add memory.")
        }
        base = memory
        bytes = UnsafeRawBufferPointer(start: memory, count: count)
        do throws(MartletError) {
            digest = try SealedBytes.fill(memory, count, from: file, checkpoint)
        } catch {
            munmap(memory, mappedBytes)
            throw error
        }
        mprotect(memory, mappedBytes, PROT_READ)
    }

    deinit { munmap(base, mappedBytes) }

    /// Lends the bytes and keeps the memory meanwhile: `bytes` alone keeps nothing, and the last mention of the object
    /// may be its end.
    func lend<Result>(
        _ body: (UnsafeRawBufferPointer) throws(MartletError) -> Result
    ) throws(MartletError) -> Result {
        defer { withExtendedLifetime(self) {} }
        return try body(bytes)
    }

    /// A copy of the bytes.
    var array: [UInt8] { withExtendedLifetime(self) { Array(bytes) } }

    private static func fill(
        _ memory: UnsafeMutableRawPointer, _ count: Int, from file: borrowing FileHandle,
        _ checkpoint: () throws(MartletError) -> Void
    ) throws(MartletError) -> String {
        var hash = SHA256()
        var done = 0
        // 1 MiB at a time: hashed while still in cache.
        let step = 1 << 20
        while done < count {
            let got = pread(file.descriptor, memory + done, min(step, count - done), off_t(done))
            if got < 0 {
                if errno == EINTR { continue }
                throw .system(file.name, "read the file", errno)
            }
            guard got > 0 else {
                throw .refused(file.name, "shrank from \(count) to \(done) bytes while it was read", code: .dataLoss)
            }
            hash.update(bufferPointer: UnsafeRawBufferPointer(start: memory + done, count: got))
            done += got
            try checkpoint()
        }
        var extra: UInt8 = 0
        var more = pread(file.descriptor, &extra, 1, off_t(count))
        while more < 0 {
            guard errno == EINTR else { throw .system(file.name, "read the file", errno) }
            more = pread(file.descriptor, &extra, 1, off_t(count))
        }
        guard more == 0 else {
            throw .refused(file.name, "grew past its \(count) bytes while it was read", code: .dataLoss)
        }
        return hex(hash.finalize())
    }
}

/// SHA-256 of `bytes` in lower-case hex.
package func sha256(_ bytes: some Sequence<UInt8>) -> String {
    var hash = SHA256()
    hash.update(data: Array(bytes))
    return hex(hash.finalize())
}

func hex(_ digest: some Sequence<UInt8>) -> String {
    let digits = Array("0123456789abcdef".utf8)
    var text: [UInt8] = []
    for byte in digest {
        text.append(digits[Int(byte >> 4)])
        text.append(digits[Int(byte & 15)])
    }
    return String(decoding: text, as: UTF8.self)
}

/// True for exactly 64 lower-case hex digits.
func isDigest(_ text: String) -> Bool {
    let bytes = text.utf8
    return bytes.count == 64 && bytes.allSatisfy { (0x30...0x39).contains($0) || (0x61...0x66).contains($0) }
}
