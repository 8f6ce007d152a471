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
    /// `chunks` is read only as fast as the server reads, and the server goes on only as fast as events are read here.
    /// Leaving the loop cancels the call.
    /// - Parameters:
    ///   - chunks: UTF-8, cut anywhere, even inside a character. When it throws, the call is cancelled and the events
    ///     end with that error, kept as `cause` unless it is a `MartletError`.
    ///   - timeout: how long the whole document may take; nil waits for ever.
    /// - Returns: windows and running verdicts as they become true; the last event is `.final`.
    public func classifyDocument<Chunks: AsyncSequence & Sendable>(
        _ options: DocumentOptions, chunks: Chunks, timeout: Duration? = nil
    ) -> ServerStream<DocumentEvent> where Chunks.Element == [UInt8] {
        let codec = codec
        let messages = DocumentMessages(options: options, chunks: chunks, codec: codec)
        return stream(.classifyDocument, messages, timeout) { (message) throws(MartletError) in
            try codec.decodeDocumentEvent(message)
        }
    }

    /// Classifies a file, read in chunks of 64 KiB, in memory that does not grow with it.
    /// - Throws (from the events): `.notFound` or `.permissionDenied` when the file cannot be read.
    public func classifyDocument(
        _ options: DocumentOptions, file path: String, timeout: Duration? = nil
    ) -> ServerStream<DocumentEvent> {
        classifyDocument(options, chunks: FileChunks(path: path), timeout: timeout)
    }
}

/// The messages of a document: its options, then its bytes in pieces small enough that other calls get their turn
/// between them.
private struct DocumentMessages<Chunks: AsyncSequence & Sendable>: AsyncSequence, Sendable
where Chunks.Element == [UInt8] {
    let options: DocumentOptions
    let chunks: Chunks
    let codec: MessageCodec

    func makeAsyncIterator() -> Iterator {
        Iterator(options: options, chunks: chunks.makeAsyncIterator(), codec: codec)
    }

    struct Iterator: AsyncIteratorProtocol {
        private static var pieceBytesMax: Int { 64 << 10 }
        var options: DocumentOptions?
        var chunks: Chunks.AsyncIterator
        let codec: MessageCodec
        private var rest: ArraySlice<UInt8> = []

        init(options: DocumentOptions, chunks: Chunks.AsyncIterator, codec: MessageCodec) {
            self.options = options
            self.chunks = chunks
            self.codec = codec
        }

        mutating func next() async throws -> [UInt8]? {
            if let options {
                self.options = nil
                return codec.encode(DocumentChunk(options: options, data: []))
            }
            while rest.isEmpty {
                guard let chunk = try await chunks.next() else { return nil }
                rest = chunk[...]
            }
            let piece = rest.prefix(Self.pieceBytesMax)
            rest = rest.dropFirst(piece.count)
            return codec.encode(DocumentChunk(data: Array(piece)))
        }
    }
}
