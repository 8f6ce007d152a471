public import MartletCore
internal import MartletWire

/// How far an upload is.
public struct PublishProgress: Sendable, Hashable {
    /// Bytes that the server had before, from an upload that broke off or from the version itself.
    public var heldBytes: Int
    /// Bytes that the server has now.
    public var bytes: Int
    public var totalBytes: Int

    public init(heldBytes: Int, bytes: Int, totalBytes: Int) {
        self.heldBytes = heldBytes
        self.bytes = bytes
        self.totalBytes = totalBytes
    }
}

extension MartletClient {
    /// Uploads a version's folder (`manifest.json`, the files it names, `model.sig` when it is there), and returns once
    /// the version exists on the server, whole.
    ///
    /// After a lost connection call again: only what the server lacks is sent. A version that exists with the same
    /// bytes is no error.
    /// - Parameters:
    ///   - path: the folder, as `martlet convert` makes one.
    ///   - timeout: how long the whole upload may take; nil waits for ever.
    ///   - progress: told from the start, and whenever the server has more.
    /// - Throws: `.alreadyExists` when the version is there with other bytes, `.aborted` while another publisher sends
    ///   the same one, `.resourceExhausted` when the server's disk has no room, `.failedPrecondition` when the folder's
    ///   files are not what its manifest says, or the manifest is more than the server takes in one message.
    @discardableResult
    public func publish(
        folder path: String, timeout: Duration? = nil,
        progress: @Sendable (PublishProgress) -> Void = { _ in }
    ) async throws(MartletError) -> ModelIdentity {
        var folder = try await PublishFolder.read(path)
        try await fit(&folder, timeout)
        let (held, known) = AsyncStream.makeStream(of: [PublishEvent.HeldFile].self)
        defer { known.finish() }
        let codec = codec
        let events = stream(
            .publishVersion, PublishMessages(folder: folder, held: held, codec: codec), timeout
        ) { (message) throws(MartletError) in
            try codec.decodePublishEvent(message)
        }
        var iterator = events.makeAsyncIterator()
        var state = PublishProgress(heldBytes: 0, bytes: 0, totalBytes: folder.totalBytes)
        var identity: ModelIdentity?
        while let event = try await iterator.next() {
            switch event {
            case .held(let files):
                state.heldBytes = files.reduce(0) { $0 &+ $1.bytes }
                state.bytes = state.heldBytes
                progress(state)
                known.yield(files)
            case .received(let bytes):
                state.bytes = bytes
                progress(state)
            case .published(let published): identity = published
            }
        }
        guard let identity else { throw ClientCall.withoutAnswer }
        return identity
    }

    /// Chunks as large as the server takes them; manifest and signature go in one message, which must be.
    private func fit(_ folder: inout PublishFolder, _ timeout: Duration?) async throws(MartletError) {
        let limit = try await serverStatus(timeout: timeout).messageBytesMax
        let bytes = codec.encode(PublishPart.begin(manifest: folder.manifest, signature: folder.signature)).count
        guard bytes <= limit else {
            throw MartletError(
                .failedPrecondition,
                "manifest.json and model.sig take a message of \(bytes) bytes, and the server's limit is \(limit) "
                    + "(messageBytesMax). Raise it there, or publish into the server's models folder on its machine")
        }
        // The other half is more than a file's name and its offset take.
        folder.chunkBytes = max(1, min(folder.chunkBytes, limit / 2))
    }
}

/// The messages of an upload: the manifest; then, once the server has told what it holds, the rest of each file.
private struct PublishMessages: AsyncSequence, Sendable {
    let folder: PublishFolder
    let held: AsyncStream<[PublishEvent.HeldFile]>
    let codec: MessageCodec

    func makeAsyncIterator() -> Iterator { Iterator(messages: self) }

    struct Iterator: AsyncIteratorProtocol {
        /// A file whose first chunk does not become smaller than this share is sent as it is.
        private static var worthwhileShare: Double { 0.95 }

        private struct Sending {
            let file: PublishFolder.File
            var chunks: FileChunks.Iterator
            var offset: Int
            /// Nil before the first chunk was tried.
            var compresses: Bool?
        }

        let messages: PublishMessages
        private var hasBegun = false
        /// Nil until the server has told what it holds. The next file is the last.
        private var waiting: [(file: PublishFolder.File, offset: Int)]?
        private var sending: Sending?

        init(messages: PublishMessages) { self.messages = messages }

        mutating func next() async throws -> [UInt8]? {
            let folder = messages.folder
            guard hasBegun else {
                hasBegun = true
                return messages.codec.encode(
                    PublishPart.begin(manifest: folder.manifest, signature: folder.signature))
            }
            if waiting == nil { waiting = try await missing() }
            while true {
                if let message = try await chunk() { return message }
                guard let (file, offset) = waiting?.popLast() else { return nil }
                sending = Sending(
                    file: file, chunks: folder.chunks(of: file, from: offset).makeAsyncIterator(), offset: offset)
            }
        }

        /// Files that the server lacks something of, last first.
        private func missing() async throws -> [(file: PublishFolder.File, offset: Int)] {
            for await files in messages.held {
                let offsets = Dictionary(files.map { ($0.name, $0.bytes) }) { first, _ in first }
                return messages.folder.files.reversed().compactMap { file in
                    let offset = offsets[file.name] ?? 0
                    return offset < file.bytes ? (file, offset) : nil
                }
            }
            // The call ended first, and says why.
            throw CancellationError()
        }

        private mutating func chunk() async throws -> [UInt8]? {
            guard var current = sending else { return nil }
            let left = current.file.bytes - current.offset
            guard left > 0 else {
                sending = nil
                return nil
            }
            guard var bytes = try await current.chunks.next() else {
                throw MartletError(
                    .failedPrecondition,
                    "\(current.file.name) has \(current.offset) bytes and the manifest says \(current.file.bytes): the "
                        + "folder is not a whole version; 'martlet verify' shows what else is wrong")
            }
            if bytes.count > left { bytes.removeLast(bytes.count - left) }
            let compresses = current.compresses ?? Self.isWorthwhile(bytes)
            let part = PublishPart.bytes(file: current.file.name, offset: current.offset, bytes: bytes)
            current.offset += bytes.count
            current.compresses = compresses
            sending = current
            return messages.codec.encode(part, compresses: compresses)
        }

        private static func isWorthwhile(_ bytes: [UInt8]) -> Bool {
            guard let deflated = bytes.withUnsafeBytes({ Zlib.deflated($0) }) else { return false }
            return Double(deflated.count) < worthwhileShare * Double(bytes.count)
        }
    }
}
