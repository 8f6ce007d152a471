package import MartletCore

/// A text and the answer this version gave when it was made. A loaded version must give it again before it serves.
package struct GoldenExample: Sendable, Hashable {
    package var text: String
    package var pair: String?
    /// What this version answered: logits in class order, or the vector as pooled, not normalised.
    package var answer: [Float]
    /// What the float path answered to the same text.
    package var floatAnswer: [Float]
    /// Token ids, special tokens included.
    package var tokens: [Int32]
    /// True for a model that gives vectors.
    package var isVector: Bool

    package init(
        text: String, pair: String? = nil, answer: [Float], floatAnswer: [Float], tokens: [Int32],
        isVector: Bool = false
    ) {
        self.text = text
        self.pair = pair
        self.answer = answer
        self.floatAnswer = floatAnswer
        self.tokens = tokens
        self.isVector = isVector
    }

    package var input: TextInput { TextInput(text, pair: pair) }
}

extension GoldenExample: Codable {
    private enum CodingKeys: String, CodingKey {
        case text, pair, tokens
        case logits, floatLogits
        case vector, floatVector
    }

    package init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        let isVector = values.contains(.vector)
        self.init(
            text: try values.decode(String.self, forKey: .text),
            pair: try values.decodeIfPresent(String.self, forKey: .pair),
            answer: try values.decode([Float].self, forKey: isVector ? .vector : .logits),
            floatAnswer: try values.decode([Float].self, forKey: isVector ? .floatVector : .floatLogits),
            tokens: try values.decode([Int32].self, forKey: .tokens), isVector: isVector)
    }

    package func encode(to encoder: any Encoder) throws {
        var values = encoder.container(keyedBy: CodingKeys.self)
        try values.encode(text, forKey: .text)
        try values.encodeIfPresent(pair, forKey: .pair)
        try values.encode(answer, forKey: isVector ? .vector : .logits)
        try values.encode(floatAnswer, forKey: isVector ? .floatVector : .floatLogits)
        try values.encode(tokens, forKey: .tokens)
    }
}

/// `golden.json`.
struct GoldenFile: Codable {
    var examples: [GoldenExample]

    static func decoded(
        from bytes: UnsafeRawBufferPointer, for manifest: Manifest
    ) throws(MartletError) -> [GoldenExample] {
        let file = Manifest.goldenFileName
        let examples = try CanonicalJSON.decode(GoldenFile.self, from: bytes, file: file).examples
        guard !examples.isEmpty else { throw .refused(file, "has no examples") }
        let isVector = manifest.pooling != nil
        let kind = isVector ? "vector values" : "logits"
        let width = manifest.answerWidth
        let ids = Int32(clamping: manifest.configuration.vocabularySize)
        for (index, example) in examples.enumerated() {
            guard example.isVector == isVector else {
                throw .refused(file, "example \(index) is none of a \(manifest.task) model")
            }
            guard example.answer.count == width, example.floatAnswer.count == width else {
                throw .refused(
                    file, "example \(index) has \(example.answer.count) and \(example.floatAnswer.count) \(kind), "
                        + "expected \(width)")
            }
            guard (example.answer + example.floatAnswer).allSatisfy(\.isFinite) else {
                throw .refused(file, "example \(index) has an answer that is not finite")
            }
            guard (1...manifest.configuration.maxPositions).contains(example.tokens.count) else {
                throw .refused(
                    file, "example \(index) has \(example.tokens.count) tokens, the model reads 1 to "
                        + "\(manifest.configuration.maxPositions)")
            }
            if let id = example.tokens.first(where: { $0 < 0 || $0 >= ids }) {
                throw .refused(file, "example \(index) has token id \(id), the vocabulary has \(ids)")
            }
        }
        return examples
    }
}
