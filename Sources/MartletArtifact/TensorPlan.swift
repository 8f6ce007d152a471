package import MartletCore

/// The tensors a version must have, by name, type and shape: what its manifest's configuration implies.
package struct TensorPlan: Sendable {
    package struct Expected: Sendable, Hashable {
        package let name: String
        /// More than one where the version may choose.
        package let elementTypes: [ElementType]
        package let shape: [Int]
        /// A tensor that may be left out, such as an `input_scale`.
        package let isOptional: Bool
    }

    package private(set) var tensors: [Expected] = []

    package init(_ numbers: EncoderConfiguration, precision: Precision) {
        let hidden = numbers.hiddenSize
        let isInt8 = precision == .int8
        add(
            "embeddings.word_embeddings.weight", [numbers.vocabularySize, hidden],
            isInt8 ? [.int8, .float32] : [.float32])
        if isInt8 { add("embeddings.word_embeddings.weight.scale", [numbers.vocabularySize], optional: true) }
        add("embeddings.position_embeddings.weight", [numbers.maxPositions, hidden])
        add("embeddings.token_type_embeddings.weight", [numbers.tokenTypes, hidden])
        addNorm("embeddings.LayerNorm", hidden)
        for layer in 0..<numbers.layers {
            let prefix = "encoder.layer.\(layer)."
            addLinear(
                prefix + "attention.self.qkv", rows: 3 * hidden, columns: hidden, isInt8, takesInputScale: true)
            addLinear(prefix + "attention.output.dense", rows: hidden, columns: hidden, isInt8)
            addNorm(prefix + "attention.output.LayerNorm", hidden)
            addLinear(
                prefix + "intermediate.dense", rows: numbers.intermediateSize, columns: hidden, isInt8,
                takesInputScale: true)
            addLinear(
                prefix + "output.dense", rows: hidden, columns: numbers.intermediateSize, isInt8, takesInputScale: true)
            addNorm(prefix + "output.LayerNorm", hidden)
        }
        guard numbers.labels > 0 else { return }
        add("pooler.dense.weight", [hidden, hidden])
        add("pooler.dense.bias", [hidden])
        add("classifier.weight", [numbers.labels, hidden])
        add("classifier.bias", [numbers.labels])
    }

    private mutating func add(
        _ name: String, _ shape: [Int], _ types: [ElementType] = [.float32], optional: Bool = false
    ) {
        tensors.append(Expected(name: name, elementTypes: types, shape: shape, isOptional: optional))
    }

    private mutating func addNorm(_ name: String, _ size: Int) {
        add(name + ".weight", [size])
        add(name + ".bias", [size])
    }

    /// - Parameter takesInputScale: true where the encoder multiplies one in; anywhere else it would be left out
    ///   without a word, so it is refused.
    private mutating func addLinear(
        _ name: String, rows: Int, columns: Int, _ isInt8: Bool, takesInputScale: Bool = false
    ) {
        add(name + ".weight", [rows, columns], isInt8 ? [.int8] : [.float32])
        if isInt8 {
            add(name + ".weight.scale", [rows])
            if takesInputScale { add(name + ".input_scale", [columns], optional: true) }
        }
        add(name + ".bias", [rows])
    }

    /// - Throws: `.failedPrecondition` naming the first tensor that is missing, of another type or shape, or not known.
    func check(_ table: WeightsTable, file: String) throws(MartletError) {
        var found: [String: WeightsTable.Entry] = [:]
        for entry in table.entries { found[entry.name] = entry }
        for expected in tensors {
            guard let entry = found.removeValue(forKey: expected.name) else {
                if expected.isOptional { continue }
                throw .refused(file, "tensor \(quoted(expected.name)) is missing")
            }
            guard expected.elementTypes.contains(entry.elementType) else {
                let wanted = expected.elementTypes.map(\.label).joined(separator: " or ")
                throw .refused(
                    file, "tensor \(quoted(entry.name)) is \(entry.elementType.label), expected \(wanted)")
            }
            guard entry.shape == expected.shape else {
                throw .refused(
                    file, "tensor \(quoted(entry.name)) has shape \(entry.shape), the configuration needs "
                        + "\(expected.shape)")
            }
        }
        if let extra = found.keys.min() {
            throw .refused(file, "tensor \(quoted(extra)) belongs to no part of the model")
        }
        let words = "embeddings.word_embeddings.weight"
        let isInt8 = table.entries.contains { $0.name == words && $0.elementType == .int8 }
        let hasScale = table.entries.contains { $0.name == words + ".scale" }
        guard isInt8 == hasScale else {
            throw .refused(file, "tensor '\(words).scale' must stand beside int8 '\(words)', and only there")
        }
    }
}
