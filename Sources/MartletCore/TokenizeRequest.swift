/// The tokens that a model makes of texts.
public struct TokenizeRequest: Sendable, Hashable {
    public var model: ModelReference
    public var inputs: [TextInput]
    /// With `[CLS]` and `[SEP]`, as the model reads it.
    public var addSpecialTokens: Bool

    public init(model: ModelReference, inputs: [TextInput], addSpecialTokens: Bool = true) {
        self.model = model
        self.inputs = inputs
        self.addSpecialTokens = addSpecialTokens
    }
}

/// One token of a text.
public struct Token: Sendable, Hashable {
    public var id: Int32
    /// As in the vocabulary, such as `##ing`.
    public var text: String
    public var isSpecial: Bool
    /// 1 for the second text of a pair.
    public var typeID: Int32
    /// Where it stands in its text; nil for a special token.
    public var span: TextSpan?

    public init(id: Int32, text: String, isSpecial: Bool, typeID: Int32 = 0, span: TextSpan?) {
        self.id = id
        self.text = text
        self.isSpecial = isSpecial
        self.typeID = typeID
        self.span = span
    }
}

/// The answer to a `TokenizeRequest`: `results[i]` are the tokens of `inputs[i]`, not cut at the model's longest
/// sequence.
public struct TokenizeAnswer: Sendable, Hashable {
    public var model: ModelIdentity
    public var results: [[Token]]

    public init(model: ModelIdentity, results: [[Token]]) {
        self.model = model
        self.results = results
    }
}

/// The texts that token ids stand for.
public struct DetokenizeRequest: Sendable, Hashable {
    public var model: ModelReference
    public var sequences: [[Int32]]
    public var skipSpecialTokens: Bool

    public init(model: ModelReference, sequences: [[Int32]], skipSpecialTokens: Bool = true) {
        self.model = model
        self.sequences = sequences
        self.skipSpecialTokens = skipSpecialTokens
    }
}

/// The answer to a `DetokenizeRequest`: `texts[i]` is what `sequences[i]` says.
public struct DetokenizeAnswer: Sendable, Hashable {
    public var model: ModelIdentity
    public var texts: [String]

    public init(model: ModelIdentity, texts: [String]) {
        self.model = model
        self.texts = texts
    }
}
