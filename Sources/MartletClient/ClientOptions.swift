/// How a `MartletClient` connects and what it accepts. The defaults suit a server on the local network.
public struct ClientOptions: Sendable, Hashable {
    /// From the first packet to the server's Hello.
    public var connectTimeout: Duration = .seconds(10)
    /// Largest answer in bytes.
    public var messageBytesMax = 4 << 20
    /// Bytes of answers that the server may send ahead of the reader of a document's events.
    public var creditBytes = 256 << 10
    /// Lets the server compress its answers, and compresses requests of 1 KiB and more. Worth it on slow networks only.
    public var compression = false
    /// Sent in Hello, for the server's logs.
    public var software = "martlet-swift"

    public init() {}
}
