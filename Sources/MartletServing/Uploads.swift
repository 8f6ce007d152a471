internal import Dispatch
internal import MartletArtifact
internal import MartletCore
internal import Synchronization

/// Takes the uploads of versions: bounded in number, their file work off the threads that serve.
final class Uploads: Sendable {
    private let publisher: VersionPublisher
    private let uploadsMax: Int
    private let running = Atomic(0)
    // Hashing and waiting for disks: never on a thread that an `await` waits for.
    private let queue = DispatchQueue(label: "martlet-publish", attributes: .concurrent)
    /// Bytes between two events.
    private static let eventBytes = 4 << 20

    init(publisher: VersionPublisher, limits: Limits) {
        self.publisher = publisher
        uploadsMax = limits.uploadsMax
    }

    /// Reads one upload to its end.
    /// - Returns: what exists now, whole and on the disk. What a broken upload sent waits for the next try.
    func take(
        _ parts: any PublishSource, events: any PublishEventSink
    ) async throws(MartletError) -> PublishedVersion {
        defer { running.wrappingSubtract(1, ordering: .relaxed) }
        guard running.wrappingAdd(1, ordering: .relaxed).newValue <= uploadsMax else {
            throw MartletError(
                .resourceExhausted,
                "\(uploadsMax) versions are being published, and that is the limit (uploadsMax); try again later",
                retryAfter: .seconds(1))
        }
        guard case .begin(let manifest, let signature)? = try await parts.next() else {
            throw MartletError(.invalidArgument, "the first message of an upload must hold the manifest")
        }
        let upload = try await onDisk { [publisher] () throws(MartletError) in
            try publisher.begin(manifest: manifest, signature: signature)
        }
        try await events.send(.held(upload.held))
        var told = upload.heldBytes
        while let part = try await parts.next() {
            guard case .bytes(let file, let offset, let bytes) = part else {
                throw MartletError(.invalidArgument, "an upload holds one manifest, in its first message")
            }
            try await onDisk { () throws(MartletError) in
                try upload.write(file: file, offset: offset, bytes: bytes)
            }
            let held = upload.heldBytes
            guard held >= told + Self.eventBytes || held == upload.totalBytes else { continue }
            told = held
            try await events.send(.received(bytes: held))
        }
        return try await onDisk { () throws(MartletError) in try upload.commit() }
    }

    private func onDisk<Output: Sendable>(
        _ body: @escaping @Sendable () throws(MartletError) -> Output
    ) async throws(MartletError) -> Output {
        let result: Result<Output, MartletError> = await withCheckedContinuation { continuation in
            queue.async {
                do throws(MartletError) {
                    continuation.resume(returning: .success(try body()))
                } catch {
                    continuation.resume(returning: .failure(error))
                }
            }
        }
        return try result.get()
    }
}
