public import MartletCore
internal import MartletWire

extension MartletClient {
    /// Classifies a document of any length while it is sent, in memory that does not grow with it.
    ///
    /// ```swift
    /// for try await event in client.classifyDocument(options, chunks: chunks) {
    ///     if case .window(let window) = event { print(window.span, window.scores[0]) }
    ///     if case .final(let verdict) = event { print(verdict.label, verdict.coverage.fraction) }
    /// }
    /// ```
    ///
    /// `chunks` is read only as fast as the server reads, and the server goes on only as fast as events are read here. Leaving
    /// the loop cancels the call.
    /// - Parameters:
    ///   - chunks: UTF-8, cut anywhere, even inside a character. When it throws, the call is cancelled and the events end
    ///     with that error, kept as `cause` unless it is a `MartletError`.
    ///   - timeout: how long the whole document may take; nil waits for ever.
    /// - Returns: windows and running verdicts as they become true; the last event is `.final`.
    public func classifyDocument<Chunks: AsyncSequence & Sendable>(
        _ options: DocumentOptions, chunks: Chunks, timeout: Duration? = nil
    ) -> DocumentEvents where Chunks.Element == [UInt8] {
        let call = ClientCall(connection: connection)
        call.open(.classifyDocument, deadline: timeout.map { .now.advanced(by: $0) })
        let codec = codec
        let sending = Task {
            do {
                guard await call.send(codec.encode(DocumentChunk(options: options, data: []))) else { return }
                for try await chunk in chunks {
                    for piece in DocumentPieces(of: chunk) {
                        guard await call.send(codec.encode(DocumentChunk(data: piece))) else { return }
                    }
                }
                call.halfClose()
            } catch let error as MartletError {
                call.cancelSoon(error)
            } catch is CancellationError {
                call.cancelSoon()
            } catch {
                call.cancelSoon(MartletError(.aborted, "the document could not be read to its end", cause: error))
            }
        }
        return DocumentEvents(owner: DocumentCall(client: self, call: call, sending: sending))
    }

    /// Classifies a file, read in chunks of 64 KiB, in memory that does not grow with it.
    /// - Throws (from the events): `.notFound` or `.permissionDenied` when the file cannot be read.
    public func classifyDocument(
        _ options: DocumentOptions, file path: String, timeout: Duration? = nil
    ) -> DocumentEvents {
        classifyDocument(options, chunks: FileChunks(path: path), timeout: timeout)
    }
}

/// A chunk in pieces small enough that other calls get their turn between them.
private struct DocumentPieces: Sequence, IteratorProtocol {
    private static let pieceBytesMax = 64 << 10
    private let chunk: [UInt8]
    private var start = 0

    init(of chunk: [UInt8]) { self.chunk = chunk }

    mutating func next() -> [UInt8]? {
        guard start < chunk.count else { return nil }
        let end = Swift.min(chunk.count, start + Self.pieceBytesMax)
        defer { start = end }
        return start == 0 && end == chunk.count ? chunk : Array(chunk[start..<end])
    }
}
