internal import Glibc
internal import MartletCore
internal import NIOPosix

/// A file's bytes, read on a thread that may block.
struct FileChunks: AsyncSequence, Sendable {
    typealias Element = [UInt8]

    let path: String
    /// What the file is, for messages.
    var noun = "the document's file"
    /// Where to begin.
    var offset = 0
    var chunkBytes = 64 << 10

    func makeAsyncIterator() -> Iterator { Iterator(chunks: self) }

    struct Iterator: AsyncIteratorProtocol {
        let chunks: FileChunks
        private var file: OpenFile?

        init(chunks: FileChunks) { self.chunks = chunks }

        mutating func next() async throws -> [UInt8]? {
            let chunks = chunks
            let open = file
            let (file, chunk) = try await NIOThreadPool.singleton.runIfActive {
                let file = try open ?? OpenFile(chunks)
                return (file, try file.read(chunks.chunkBytes))
            }
            self.file = file
            return chunk.isEmpty ? nil : chunk
        }
    }
}

private final class OpenFile: Sendable {
    private let descriptor: Int32
    private let noun: String

    init(_ chunks: FileChunks) throws(MartletError) {
        noun = chunks.noun
        descriptor = open(chunks.path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw Self.failure(errno, chunks.noun) }
        guard chunks.offset == 0 || lseek(descriptor, off_t(chunks.offset), SEEK_SET) >= 0 else {
            throw Self.failure(errno, chunks.noun)
        }
    }

    deinit { close(descriptor) }

    func read(_ chunkBytes: Int) throws(MartletError) -> [UInt8] {
        var failed: Int32 = 0
        let bytes = [UInt8](unsafeUninitializedCapacity: chunkBytes) { buffer, count in
            while true {
                let got = Glibc.read(descriptor, buffer.baseAddress, buffer.count)
                if got < 0, errno == EINTR { continue }
                if got < 0 { failed = errno }
                count = max(0, got)
                return
            }
        }
        guard failed == 0 else { throw Self.failure(failed, noun) }
        return bytes
    }

    private static func failure(_ number: Int32, _ noun: String) -> MartletError {
        switch number {
        case ENOENT, ENOTDIR: MartletError(.notFound, "\(noun) does not exist; check its path")
        case EACCES, EPERM: MartletError(.permissionDenied, "no permission to read \(noun)")
        case EISDIR: MartletError(.invalidArgument, "\(noun) is a folder; name a file in it")
        default: MartletError(.dataLoss, "\(noun) cannot be read: \(String(cString: strerror(number)))")
        }
    }
}
