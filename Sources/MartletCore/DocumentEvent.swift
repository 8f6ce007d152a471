/// How the windows of a document become one verdict.
public enum Aggregation: String, Sendable, CaseIterable {
    /// The manifest's choice, else `mean`.
    case modelDefault
    /// Mean of the windows' scores weighted by their tokens.
    case mean
    /// The strongest window for the focus label, or per label without one.
    case max
    /// 1 - product of (1 - score) over windows: any window may raise it. Needs a focus label or a sigmoid head.
    case noisyOr
    /// The first window alone.
    case first
    /// Share of windows, weighted by tokens, in which each label was the best.
    case vote
}

/// How to read and judge a document. Counts are in tokens of the model's tokenizer.
public struct DocumentOptions: Sendable, Hashable {
    public var model: ModelReference
    /// Tokens of a window, special tokens included; 0 takes the model's longest sequence.
    public var windowTokens: Int
    /// Tokens from the start of one window to the start of the next; 0 takes three quarters of a window's text tokens.
    public var strideTokens: Int
    public var aggregation: Aggregation
    /// The label whose presence anywhere decides (`INJECTION`); empty takes the manifest's positive label, if any.
    public var focusLabel: String
    /// Labels to return, best first; 0 returns all.
    public var topK: Int
    /// Stop early once the running verdict's best score is at least this; 0 reads to the end. Under `max` and `noisyOr`
    /// with a focus label only that label's score counts: that it is absent is certain only at the end.
    public var minConfidence: Float
    public var emitWindows: Bool
    public var emitRunning: Bool

    public init(
        model: ModelReference, windowTokens: Int = 0, strideTokens: Int = 0, aggregation: Aggregation = .modelDefault,
        focusLabel: String = "", topK: Int = 0, minConfidence: Float = 0, emitWindows: Bool = true,
        emitRunning: Bool = true
    ) {
        self.model = model
        self.windowTokens = windowTokens
        self.strideTokens = strideTokens
        self.aggregation = aggregation
        self.focusLabel = focusLabel
        self.topK = topK
        self.minConfidence = minConfidence
        self.emitWindows = emitWindows
        self.emitRunning = emitRunning
    }
}

/// A place in the document as sent, half-open. Characters are Unicode scalar values, as Python counts them.
public struct TextSpan: Sendable, Hashable {
    public var byteStart: Int
    public var byteEnd: Int
    public var characterStart: Int
    public var characterEnd: Int

    public init(byteStart: Int, byteEnd: Int, characterStart: Int, characterEnd: Int) {
        self.byteStart = byteStart
        self.byteEnd = byteEnd
        self.characterStart = characterStart
        self.characterEnd = characterEnd
    }
}

/// One window's answer, sent as soon as it is ready, in window order.
public struct WindowResult: Sendable, Hashable {
    /// From 0.
    public var index: Int
    public var span: TextSpan
    /// Tokens of the window, special tokens included.
    public var tokens: Int
    /// Best first.
    public var scores: [LabelScore]

    public init(index: Int, span: TextSpan, tokens: Int, scores: [LabelScore]) {
        self.index = index
        self.span = span
        self.tokens = tokens
        self.scores = scores
    }
}

/// How much of the document the verdict stands on.
public struct Coverage: Sendable, Hashable {
    /// Bytes received so far; all of them in the final verdict.
    public var bytesReceived: Int
    /// End of the last classified window: every byte before it was read by some window.
    public var bytesClassified: Int
    /// Text tokens classified, each counted once, special tokens not counted.
    public var tokensClassified: Int

    public init(bytesReceived: Int, bytesClassified: Int, tokensClassified: Int) {
        self.bytesReceived = bytesReceived
        self.bytesClassified = bytesClassified
        self.tokensClassified = tokensClassified
    }

    /// Classified share of the received bytes, 0 to 1; 1 for an empty document.
    public var fraction: Double {
        bytesReceived == 0 ? 1 : Double(bytesClassified) / Double(bytesReceived)
    }
}

/// The verdict on what has been read so far.
public struct RunningVerdict: Sendable, Hashable {
    public var windows: Int
    /// Best first.
    public var scores: [LabelScore]
    public var coverage: Coverage

    public init(windows: Int, scores: [LabelScore], coverage: Coverage) {
        self.windows = windows
        self.scores = scores
        self.coverage = coverage
    }
}

/// The last event of every document that ends well.
public struct FinalVerdict: Sendable, Hashable {
    public var model: ModelIdentity
    /// The best label.
    public var label: String
    /// Best first.
    public var scores: [LabelScore]
    public var windows: Int
    public var coverage: Coverage
    /// True when `minConfidence` was reached before the end.
    public var stoppedEarly: Bool
    public var aggregation: Aggregation
    /// The window that speaks most for `label`: where to look. Nil for a document without text.
    public var evidence: WindowResult?
    public var timing: CallTiming

    public init(
        model: ModelIdentity, label: String, scores: [LabelScore], windows: Int, coverage: Coverage, stoppedEarly: Bool,
        aggregation: Aggregation, evidence: WindowResult?, timing: CallTiming = CallTiming()
    ) {
        self.model = model
        self.label = label
        self.scores = scores
        self.windows = windows
        self.coverage = coverage
        self.stoppedEarly = stoppedEarly
        self.aggregation = aggregation
        self.evidence = evidence
        self.timing = timing
    }
}

/// What a document's stream answers with: windows and running verdicts as they become true, then one final verdict.
public enum DocumentEvent: Sendable, Hashable {
    case window(WindowResult)
    case running(RunningVerdict)
    case final(FinalVerdict)
}
