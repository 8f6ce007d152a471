import MartletArtifact

/// A quality receipt as a table: what the smaller precision costs.
enum ReceiptTable {
    static func lines(_ receipt: QualityReceipt, output: Output) -> [String] {
        var table = Table([("", .left), ("", .right), ("", .left)])
        table.append(["texts compared", Quantity.count(receipt.sentences), ""])
        table.append(["same best label", Quantity.percent(receipt.labelAgreement), ""])
        table.append([
            "of clear answers", Quantity.percent(receipt.clearAgreement),
            receipt.passes
                ? "at least \(Quantity.percent(receipt.gate)) asked"
                : "BELOW the gate of \(Quantity.percent(receipt.gate))",
        ])
        table.append(["largest score drift", Quantity.fixed(receipt.maxScoreDrift, 4), ""])
        table.append([
            "cosine of logits", Quantity.fixed(receipt.minLogitCosine, 5),
            "lowest; mean \(Quantity.fixed(receipt.meanLogitCosine, 5))",
        ])
        table.append([
            "cosine of vectors", Quantity.fixed(receipt.minPooledCosine, 5),
            "lowest; mean \(Quantity.fixed(receipt.meanPooledCosine, 5))",
        ])
        if let least = receipt.minEmbeddingCosine, let mean = receipt.meanEmbeddingCosine {
            table.append([
                "cosine of embeddings", Quantity.fixed(least, 5), "lowest; mean \(Quantity.fixed(mean, 5))",
            ])
        }
        return table.lines()
    }
}
