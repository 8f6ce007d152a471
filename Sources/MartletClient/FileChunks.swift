internal import Glibc
internal import MartletCore
internal import NIOPosix

/// A file's bytes, read on a thread that may block.
struct FileChunks: AsyncSequence, Sendable {
    typealias Element = [UInt8]

    static let chunkBytes = 64 << 10
    let path: String

    func makeAsyncIterator() -> Iterator { Iterator(path: path) }

    struct Iterator: AsyncIteratorProtocol {
        let path: String
        private var file: OpenFile?

        init(path: String) { self.path = path }

        mutating func next() async throws -> [UInt8]? {
            let path = path
            let open = file
            let (file, chunk) = try await NIOThreadPool.singleton.runIfActive {
                let file = try open ?? OpenFile(path: path)
                return (file, try file.read())
            }
            self.file = file
            return chunk.isEmpty ? nil : chunk
        }
    }
}

private final class OpenFile: Sendable {
    private let descriptor: Int32

    init(path: String) throws(MartletError) {
        descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw Self.failure(errno) }
    }

    deinit { close(descriptor) }

    func read() throws(MartletError) -> [UInt8] {
        var failed: Int32 = 0
        let bytes = [UInt8](unsafeUninitializedCapacity: FileChunks.chunkBytes) { buffer, count in
            while true {
                let got = Glibc.read(descriptor, buffer.baseAddress, buffer.count)
                if got < 0, errno == EINTR { continue }
                if got < 0 { failed = errno }
                count = max(0, got)
                return
            }
        }
        guard failed == 0 else { throw Self.failure(failed) }
        return bytes
    }

    private static func failure(_ number: Int32) -> MartletError {
        switch number {
        case ENOENT, ENOTDIR: MartletError(.notFound, "the document's file does not exist; check its path")
        case EACCES, EPERM: MartletError(.permissionDenied, "no permission to read the document's file")
        case EISDIR: MartletError(.invalidArgument, "the document's path is a folder; name a file in it")
        default: MartletError(.dataLoss, "the document's file cannot be read: \(String(cString: strerror(number)))")
        }
    }
}
