/// What to do with a text of more tokens than the model reads at once.
public enum OverflowPolicy: String, Sendable, CaseIterable {
    /// Refuse with `INVALID_ARGUMENT`, naming both token counts. The default: nothing is cut unasked.
    case error
    /// Keep the first tokens.
    case truncateRight
    /// Keep the last tokens.
    case truncateLeft
    /// Classify overlapping windows and aggregate them as a document.
    case window
}

/// One text, or a pair of texts that the model reads as `[CLS] text [SEP] pair [SEP]`.
public struct TextInput: Sendable, Hashable {
    public var text: String
    public var pair: String?

    public init(_ text: String, pair: String? = nil) {
        self.text = text
        self.pair = pair
    }
}

/// Classify a list of texts in one call.
public struct ClassifyRequest: Sendable, Hashable {
    public var model: ModelReference
    public var inputs: [TextInput]
    public var overflow: OverflowPolicy
    /// Labels to return, best first; 0 returns all.
    public var topK: Int
    /// Also return raw logits, before softmax or sigmoid, in class order.
    public var returnLogits: Bool

    public init(
        model: ModelReference, inputs: [TextInput], overflow: OverflowPolicy = .error, topK: Int = 0,
        returnLogits: Bool = false
    ) {
        self.model = model
        self.inputs = inputs
        self.overflow = overflow
        self.topK = topK
        self.returnLogits = returnLogits
    }
}

/// A class and its score: a probability for softmax and sigmoid heads, the value itself for regression.
public struct LabelScore: Sendable, Hashable {
    public var label: String
    /// The class's place in the model's logits.
    public var index: Int
    public var score: Float

    public init(label: String, index: Int, score: Float) {
        self.label = label
        self.index = index
        self.score = score
    }
}

/// The answer to one `TextInput`.
public struct TextResult: Sendable, Hashable {
    /// Best first.
    public var scores: [LabelScore]
    /// Raw logits in class order; empty unless asked for, and for a text aggregated from windows.
    public var logits: [Float]
    /// Tokens the model saw, special tokens included (every token once, however many windows saw it).
    public var tokensRead: Int
    /// Tokens the text has, special tokens included.
    public var tokensTotal: Int
    /// True when some tokens were not read.
    public var truncated: Bool
    /// Windows that were classified; 1 unless overflow was `.window`.
    public var windows: Int

    public init(
        scores: [LabelScore], logits: [Float] = [], tokensRead: Int, tokensTotal: Int, truncated: Bool = false,
        windows: Int = 1
    ) {
        self.scores = scores
        self.logits = logits
        self.tokensRead = tokensRead
        self.tokensTotal = tokensTotal
        self.truncated = truncated
        self.windows = windows
    }
}

/// Where a call's time went on the server.
public struct CallTiming: Sendable, Hashable {
    public var queue: Duration
    public var tokenize: Duration
    /// The packed batch's run; shared by every text in it.
    public var compute: Duration
    public var total: Duration

    public init(queue: Duration = .zero, tokenize: Duration = .zero, compute: Duration = .zero, total: Duration = .zero)
    {
        self.queue = queue
        self.tokenize = tokenize
        self.compute = compute
        self.total = total
    }
}

/// The answer to a `ClassifyRequest`: `results[i]` answers `inputs[i]`, all from the one version named.
public struct ClassifyAnswer: Sendable, Hashable {
    public var model: ModelIdentity
    public var results: [TextResult]
    public var timing: CallTiming

    public init(model: ModelIdentity, results: [TextResult], timing: CallTiming = CallTiming()) {
        self.model = model
        self.results = results
        self.timing = timing
    }
}
