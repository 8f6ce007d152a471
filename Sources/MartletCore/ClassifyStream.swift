/// One request of a stream of them.
public struct ClassifyStreamRequest: Sendable, Hashable {
    /// The caller's own; its answer carries it.
    public var id: String
    public var request: ClassifyRequest

    public init(id: String, request: ClassifyRequest) {
        self.id = id
        self.request = request
    }
}

/// What became of one request of a stream; a failed one does not end the stream.
public struct ClassifyStreamAnswer: Sendable {
    public var id: String
    public var outcome: Result<ClassifyAnswer, MartletError>

    public init(id: String, outcome: Result<ClassifyAnswer, MartletError>) {
        self.id = id
        self.outcome = outcome
    }
}
