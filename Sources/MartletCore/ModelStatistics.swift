/// What one version has done since it was loaded. Calls that only look at its tokenizer are not counted.
public struct ModelStatistics: Sendable, Hashable {
    public var name: String
    public var version: Int
    /// Calls that were answered; a document counts once.
    public var calls: Int
    /// Calls that held this version and failed.
    public var failures: Int
    /// Sequences that the encoder read: texts and windows.
    public var texts: Int
    /// Runs of the encoder.
    public var batches: Int
    /// Tokens that the encoder read, special tokens included.
    public var tokens: Int
    /// Sums over `texts`; a batch's compute time counts for each of its texts.
    public var queue: Duration
    public var tokenize: Duration
    public var compute: Duration
    /// Sum over `batches`.
    public var batchCompute: Duration
    /// Sum over `calls`, from arrival to answer.
    public var callTime: Duration
    /// Milliseconds since 1970 of the last answer; 0 before the first.
    public var lastUsedMilliseconds: Int

    public init(
        name: String, version: Int, calls: Int = 0, failures: Int = 0, texts: Int = 0, batches: Int = 0,
        tokens: Int = 0, queue: Duration = .zero, tokenize: Duration = .zero, compute: Duration = .zero,
        batchCompute: Duration = .zero, callTime: Duration = .zero, lastUsedMilliseconds: Int = 0
    ) {
        self.name = name
        self.version = version
        self.calls = calls
        self.failures = failures
        self.texts = texts
        self.batches = batches
        self.tokens = tokens
        self.queue = queue
        self.tokenize = tokenize
        self.compute = compute
        self.batchCompute = batchCompute
        self.callTime = callTime
        self.lastUsedMilliseconds = lastUsedMilliseconds
    }
}
