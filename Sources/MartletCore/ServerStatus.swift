/// What a server tells about itself.
public struct ServerStatus: Sendable, Hashable {
    /// Name and version, such as `martlet/0.1.0`.
    public var software: String
    /// False while the server drains.
    public var isReady: Bool
    public var facts: EngineFacts
    /// Tokens that may wait before new work is refused.
    public var queueTokensMax: Int
    public var batchTokensMax: Int
    public var textsPerRequestMax: Int
    public var messageBytesMax: Int

    public init(
        software: String, isReady: Bool, facts: EngineFacts, queueTokensMax: Int, batchTokensMax: Int,
        textsPerRequestMax: Int, messageBytesMax: Int
    ) {
        self.software = software
        self.isReady = isReady
        self.facts = facts
        self.queueTokensMax = queueTokensMax
        self.batchTokensMax = batchTokensMax
        self.textsPerRequestMax = textsPerRequestMax
        self.messageBytesMax = messageBytesMax
    }
}
