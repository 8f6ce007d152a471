package import MartletCore

/// A text and the answer this version gave when it was made. A loaded version must give it again before it serves.
package struct GoldenExample: Codable, Sendable, Hashable {
    package var text: String
    package var pair: String?
    /// This version's own logits, in class order.
    package var logits: [Float]
    /// The float path's logits for the same text.
    package var floatLogits: [Float]
    /// Token ids, special tokens included.
    package var tokens: [Int32]

    package init(text: String, pair: String? = nil, logits: [Float], floatLogits: [Float], tokens: [Int32]) {
        self.text = text
        self.pair = pair
        self.logits = logits
        self.floatLogits = floatLogits
        self.tokens = tokens
    }

    package var input: TextInput { TextInput(text, pair: pair) }
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
        let labels = manifest.configuration.labels
        let ids = Int32(clamping: manifest.configuration.vocabularySize)
        for (index, example) in examples.enumerated() {
            guard example.logits.count == labels, example.floatLogits.count == labels else {
                throw .refused(
                    file, "example \(index) has \(example.logits.count) and \(example.floatLogits.count) logits, "
                        + "expected \(labels)")
            }
            guard (example.logits + example.floatLogits).allSatisfy(\.isFinite) else {
                throw .refused(file, "example \(index) has a logit that is not finite")
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
