/// What is embedded: a text, or tokens that the caller made with this model's tokenizer.
public enum EmbedInput: Sendable, Hashable {
    case text(String)
    /// Without special tokens; the model's own are put around them.
    case tokens([Int32])
}

/// Vectors for a list of texts in one call.
public struct EmbedRequest: Sendable, Hashable {
    public var model: ModelReference
    public var inputs: [EmbedInput]
    /// `.window` is refused: the vector of several windows has no agreed meaning.
    public var overflow: OverflowPolicy
    /// Vectors of length 1.
    public var normalize: Bool
    /// Keep the first so many values, normalised again if `normalize`; 0 keeps all.
    public var dimensions: Int
    /// A vector for every token, special tokens included, instead of one for the text.
    public var perToken: Bool

    public init(
        model: ModelReference, inputs: [EmbedInput], overflow: OverflowPolicy = .error, normalize: Bool = true,
        dimensions: Int = 0, perToken: Bool = false
    ) {
        self.model = model
        self.inputs = inputs
        self.overflow = overflow
        self.normalize = normalize
        self.dimensions = dimensions
        self.perToken = perToken
    }
}

/// The answer to one `EmbedInput`.
public struct EmbedResult: Sendable, Hashable {
    /// Row-major [rows, dimensions].
    public var values: [Float]
    /// 1, or the tokens read when `perToken` was set.
    public var rows: Int
    /// Tokens the model saw, special tokens included.
    public var tokensRead: Int
    /// Tokens the text has, special tokens included.
    public var tokensTotal: Int
    /// True when some tokens were not read.
    public var truncated: Bool

    public init(values: [Float], rows: Int = 1, tokensRead: Int, tokensTotal: Int, truncated: Bool = false) {
        self.values = values
        self.rows = rows
        self.tokensRead = tokensRead
        self.tokensTotal = tokensTotal
        self.truncated = truncated
    }
}

/// The answer to an `EmbedRequest`: `results[i]` answers `inputs[i]`, all from the one version named.
public struct EmbedAnswer: Sendable, Hashable {
    public var model: ModelIdentity
    public var results: [EmbedResult]
    public var timing: CallTiming

    public init(model: ModelIdentity, results: [EmbedResult], timing: CallTiming = CallTiming()) {
        self.model = model
        self.results = results
        self.timing = timing
    }
}
