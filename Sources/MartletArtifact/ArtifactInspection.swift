internal import MartletCore

/// What a version is, for `martlet inspect`: as text for people, and Codable for `--json`.
package struct ArtifactInspection: Codable, Sendable {
    package struct TensorLine: Codable, Sendable, Hashable {
        package var name: String
        package var type: String
        package var shape: [Int]
        package var bytes: Int
    }

    package var manifest: Manifest
    /// SHA-256 of the manifest in lower-case hex.
    package var digest: String
    /// All files, manifest not counted.
    package var bytes: Int
    /// Numbers the model consists of, scales not counted.
    package var parameters: Int
    package var tensors: [TensorLine]
    package var goldenExamples: Int

    /// Of a version that was read and verified.
    package init(_ artifact: ModelArtifact) {
        manifest = artifact.manifest
        digest = artifact.digest
        bytes = artifact.manifest.files.reduce(0) { $0 + $1.bytes }
        tensors = artifact.weights.table.entries.map {
            TensorLine(name: $0.name, type: $0.elementType.label, shape: $0.shape, bytes: $0.byteCount)
        }
        parameters = artifact.weights.table.entries
            .filter { !$0.name.hasSuffix(".scale") && !$0.name.hasSuffix(".input_scale") }
            .reduce(0) { $0 + $1.byteCount / $1.elementType.byteCount }
        goldenExamples = artifact.golden.count
    }

    /// Two columns, one fact a line.
    /// - Parameter listsTensors: adds every tensor.
    package func text(listsTensors: Bool = false) -> String {
        let numbers = manifest.configuration
        var lines: [(String, String)] = [
            ("model", "\(manifest.name) version \(manifest.version)"),
            ("digest", digest),
            ("task", manifest.taskSummary),
        ]
        if !manifest.classLabels.isEmpty { lines.append(("labels", manifest.classLabels.joined(separator: ", "))) }
        if let positive = manifest.positiveLabel { lines.append(("positive label", positive)) }
        if let aggregation = manifest.documentAggregation { lines.append(("documents", aggregation)) }
        lines += [
            (
                "encoder",
                "\(manifest.architecture), \(numbers.layers) layers, hidden \(numbers.hiddenSize), "
                    + "\(numbers.heads) heads, feed-forward \(numbers.intermediateSize), \(numbers.activation.rawValue)"
            ),
            ("reads", "\(numbers.maxPositions) tokens at most"),
            (
                "tokenizer",
                "\(manifest.tokenizer.kind), \(manifest.tokenizer.vocabularySize) tokens, "
                    + (manifest.tokenizer.lowercase ? "lower case" : "cased")
            ),
            ("precision", manifest.precision.rawValue),
            (
                "size",
                "\(ArtifactInspection.megabytes(bytes)) in \(manifest.files.count + 1) files, "
                    + "\(parameters) parameters"
            ),
        ]
        if let receipt = manifest.receipt { lines += ArtifactInspection.lines(of: receipt) }
        lines += [
            ("golden", "\(goldenExamples) examples"), ("licence", manifest.licence), ("source", manifest.source),
            ("made by", manifest.createdBy),
        ]
        var text = lines.map { ArtifactInspection.pad($0.0, to: 16) + $0.1 }.joined(separator: "\n")
        if listsTensors {
            text += "\n\n" + tensors.map { tensor in
                ArtifactInspection.pad(tensor.name, to: 56) + ArtifactInspection.pad(tensor.type, to: 9)
                    + ArtifactInspection.pad("\(tensor.shape)", to: 16) + "\(tensor.bytes)"
            }.joined(separator: "\n")
        }
        return text
    }

    private static func lines(of receipt: QualityReceipt) -> [(String, String)] {
        var lines: [(String, String)] = []
        if let answers = receipt.answers {
            lines = [
                (
                    "int8 receipt",
                    "\(percent(answers.labelAgreement)) of \(receipt.sentences) texts keep their answer, "
                        + "\(percent(answers.clearAgreement)) of the \(answers.clearSentences) with a clear one (gate "
                        + "\(percent(receipt.gate)))"
                ),
                ("", "largest score drift \(fixed(answers.maxScoreDrift, 4))"),
                (
                    "",
                    "cosine to floats: pooled vector \(fixed(answers.meanPooledCosine, 5)) mean, "
                        + "\(fixed(answers.minPooledCosine, 5)) least; logits \(fixed(answers.meanLogitCosine, 5)) "
                        + "mean, \(fixed(answers.minLogitCosine, 5)) least"
                ),
            ]
        }
        if let mean = receipt.meanEmbeddingCosine, let least = receipt.minEmbeddingCosine {
            let figures = "\(fixed(mean, 5)) mean, \(fixed(least, 5)) least"
            lines.append(
                receipt.answers == nil
                    ? (
                        "int8 receipt",
                        "cosine to floats on \(receipt.sentences) texts: \(figures) (gate \(fixed(receipt.gate, 4)))"
                    )
                    : ("", "mean embedding \(figures)"))
        }
        let smoothing = receipt.smoothing > 0 ? "smoothing exponent \(receipt.smoothing)" : "no smoothing"
        lines.append(("", receipt.scheme?.summary ?? smoothing))
        return lines
    }

    static func pad(_ text: String, to width: Int) -> String {
        text + String(repeating: " ", count: max(1, width - text.count))
    }

    static func megabytes(_ bytes: Int) -> String { fixed(Double(bytes) / 1e6, 1) + " MB" }

    static func percent(_ share: Double) -> String { fixed(share * 100, 2) + " %" }

    /// A number with a fixed count of decimals, without Foundation's formatting.
    static func fixed(_ value: Double, _ decimals: Int) -> String {
        guard value.isFinite else { return "\(value)" }
        var scale = 1.0
        for _ in 0..<decimals { scale *= 10 }
        let scaled = (abs(value) * scale).rounded()
        guard scaled < 1e15 else { return "\(value)" }
        let digits = String(Int(scaled))
        let padded = String(repeating: "0", count: max(0, decimals + 1 - digits.count)) + digits
        let sign = value < 0 && scaled > 0 ? "-" : ""
        return decimals == 0 ? sign + padded : "\(sign)\(padded.dropLast(decimals)).\(padded.suffix(decimals))"
    }
}
