/// In the manifest the two structs are one flat object: receipts of classifiers look as before there were others.
extension QualityReceipt: Codable {
    private enum CodingKeys: String, CodingKey {
        case sentences, minEmbeddingCosine, meanEmbeddingCosine, smoothing, scheme, gate
        /// Stands for all of `AnswerQuality`.
        case labelAgreement
    }

    package init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        self.init(
            sentences: try values.decode(Int.self, forKey: .sentences),
            answers: values.contains(.labelAgreement) ? try AnswerQuality(from: decoder) : nil,
            minEmbeddingCosine: try values.decodeIfPresent(Double.self, forKey: .minEmbeddingCosine),
            meanEmbeddingCosine: try values.decodeIfPresent(Double.self, forKey: .meanEmbeddingCosine),
            smoothing: try values.decode(Double.self, forKey: .smoothing),
            scheme: try values.decodeIfPresent(Int8Scheme.self, forKey: .scheme),
            gate: try values.decode(Double.self, forKey: .gate))
    }

    package func encode(to encoder: any Encoder) throws {
        try answers?.encode(to: encoder)
        var values = encoder.container(keyedBy: CodingKeys.self)
        try values.encode(sentences, forKey: .sentences)
        try values.encodeIfPresent(minEmbeddingCosine, forKey: .minEmbeddingCosine)
        try values.encodeIfPresent(meanEmbeddingCosine, forKey: .meanEmbeddingCosine)
        try values.encode(smoothing, forKey: .smoothing)
        try values.encodeIfPresent(scheme, forKey: .scheme)
        try values.encode(gate, forKey: .gate)
    }
}
