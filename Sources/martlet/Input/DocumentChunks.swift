import Dispatch
import Synchronization

/// A file's bytes as chunks for `classifyDocument`. The next chunk is read when it is asked for: a slow server slows
/// the reading, and memory does not grow with the file.
struct DocumentChunks: AsyncSequence, Sendable {
    typealias Element = [UInt8]
    typealias Failure = any Error

    let descriptor: Int32
    let name: String
    let progress: ReadProgress
    var chunkBytes = 64 << 10

    struct AsyncIterator: AsyncIteratorProtocol {
        let chunks: DocumentChunks
        /// Reading a pipe waits for its writer; that must not hold up a thread of Swift's own pool.
        let queue = DispatchQueue(label: "martlet.document")

        mutating func next() async throws -> [UInt8]? {
            let chunks = chunks
            let result: Result<[UInt8], CommandFailure> = await withCheckedContinuation { continuation in
                queue.async {
                    continuation.resume(
                        returning: Result { () throws(CommandFailure) -> [UInt8] in
                            try InputFile.read(chunks.descriptor, name: chunks.name, upTo: chunks.chunkBytes)
                        })
                }
            }
            let bytes = try result.get()
            chunks.progress.add(bytes.count)
            return bytes.isEmpty ? nil : bytes
        }
    }

    func makeAsyncIterator() -> AsyncIterator { AsyncIterator(chunks: self) }
}

/// How many bytes have been handed over.
final class ReadProgress: Sendable {
    private let count = Atomic(0)

    func add(_ bytes: Int) { count.add(bytes, ordering: .relaxed) }

    var bytes: Int { count.load(ordering: .relaxed) }
}

/// A byte array already in memory as chunks: one.
struct OneChunk: AsyncSequence, Sendable {
    typealias Element = [UInt8]
    typealias Failure = any Error

    let bytes: [UInt8]

    struct AsyncIterator: AsyncIteratorProtocol {
        var rest: [UInt8]?

        mutating func next() async throws -> [UInt8]? {
            defer { rest = nil }
            return rest
        }
    }

    func makeAsyncIterator() -> AsyncIterator { AsyncIterator(rest: bytes) }
}
