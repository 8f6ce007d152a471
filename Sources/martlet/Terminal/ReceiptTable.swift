import MartletArtifact

/// A quality receipt as a table: what the smaller precision costs.
enum ReceiptTable {
    static func lines(_ receipt: QualityReceipt, output: Output) -> [String] {
        var table = Table([("", .left), ("", .right), ("", .left)])
        table.append(["texts compared", Quantity.count(receipt.sentences), ""])
        let asked = receipt.answers == nil ? Quantity.fixed(receipt.gate, 5) : Quantity.percent(receipt.gate)
        let judgement = receipt.passes ? "at least \(asked) asked" : "BELOW the gate of \(asked)"
        if let answers = receipt.answers {
            table.append(["same best label", Quantity.percent(answers.labelAgreement), ""])
            table.append(["of clear answers", Quantity.percent(answers.clearAgreement), judgement])
            table.append(["largest score drift", Quantity.fixed(answers.maxScoreDrift, 4), ""])
            table.append([
                "cosine of logits", Quantity.fixed(answers.minLogitCosine, 5),
                "lowest; mean \(Quantity.fixed(answers.meanLogitCosine, 5))",
            ])
            table.append([
                "cosine of vectors", Quantity.fixed(answers.minPooledCosine, 5),
                "lowest; mean \(Quantity.fixed(answers.meanPooledCosine, 5))",
            ])
        }
        if let least = receipt.minEmbeddingCosine, let mean = receipt.meanEmbeddingCosine {
            table.append([
                "cosine of embeddings", Quantity.fixed(least, 5), "lowest; mean \(Quantity.fixed(mean, 5))",
            ])
            if receipt.answers == nil { table.append(["", "", judgement]) }
        }
        return table.lines()
    }
}
