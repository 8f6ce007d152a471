import MartletClient
import MartletCore
import Synchronization

/// Publishing to a server.
extension PublishCommand {
    struct Upload: Sendable {
        let identity: ModelIdentity
        let progress: PublishProgress
        let address: ServerAddress
    }

    func send() async throws -> Upload {
        let line = ProgressLine(on: .error)
        defer { line.clear() }
        let folder = folder
        let timeout = try connection.deadline()
        return try await connection.withClient { client in
            let last = Mutex(PublishProgress(heldBytes: 0, bytes: 0, totalBytes: 0))
            let identity = try await client.publish(folder: folder, timeout: timeout) { progress in
                last.withLock { $0 = progress }
                line.show(
                    force: progress.bytes == progress.totalBytes,
                    Self.progress(progress.bytes, of: progress.totalBytes))
            }
            return Upload(identity: identity, progress: last.withLock { $0 }, address: client.address)
        }
    }

    private struct Described: Encodable {
        var name: String
        var version: Int
        var digest: String
        var address: String
        var bytes: Int
        /// What the server had of it before.
        var heldBytes: Int
    }

    func show(_ upload: Upload, took: Duration) {
        let output = Output.standard
        let progress = upload.progress
        if json {
            output.line(
                JSONText.pretty(
                    Described(
                        name: upload.identity.name, version: upload.identity.version, digest: upload.identity.digest,
                        address: upload.address.description, bytes: progress.totalBytes,
                        heldBytes: progress.heldBytes)))
            return
        }
        let id = output.styled("\(upload.identity.id)", .bold)
        let sent = progress.totalBytes - progress.heldBytes
        let what =
            sent == 0
            ? "is at \(upload.address) already, with these bytes"
            : "published at \(upload.address), \(Quantity.bytes(progress.totalBytes)) in \(Quantity.time(took))"
                + (progress.heldBytes > 0 ? "; \(Quantity.bytes(progress.heldBytes)) were there already" : "")
        output.line("\(output.styled("✓", .boldGreen)) \(id) \(what)")
        output.line("  digest  \(upload.identity.digest)")
    }
}
