/// What a publisher sends, in order: the manifest, then the files' bytes as far as the server lacks them, then the end.
package enum PublishPart: Sendable, Hashable {
    /// `manifest.json`, which names model, version and every file with its size and SHA-256; and the signature bundle
    /// beside it, empty without one.
    case begin(manifest: [UInt8], signature: [UInt8])
    /// Bytes of a file from `offset` on, which is where the last ones ended.
    case bytes(file: String, offset: Int, bytes: [UInt8])
}

/// What the server tells a publisher.
public enum PublishEvent: Sendable, Hashable {
    /// How much of each file is there already, also from an upload that broke off: send the rest. All of it for a
    /// version that exists with this digest.
    case held([HeldFile])
    /// Bytes of all files that are there now.
    case received(bytes: Int)
    /// The version exists, whole and on the disk.
    case published(ModelIdentity)

    public struct HeldFile: Sendable, Hashable {
        public var name: String
        public var bytes: Int

        public init(name: String, bytes: Int) {
            self.name = name
            self.bytes = bytes
        }
    }
}

/// The parts of one upload as they arrive. One reader.
package protocol PublishSource: Sendable {
    /// Nil after the last: the publisher asks for the version to be made. Asking is what lets the peer send more.
    func next() async throws(MartletError) -> PublishPart?
}

/// Where the events of one upload go, in order.
package protocol PublishEventSink: Sendable {
    /// Suspends while the peer does not read.
    func send(_ event: PublishEvent) async throws(MartletError)
}
