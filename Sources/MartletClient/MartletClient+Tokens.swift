public import MartletCore
internal import MartletWire

/// Vectors and tokens.
extension MartletClient {
    /// Vectors for a list of texts: `results[i]` answers `inputs[i]`.
    /// - Throws: `.failedPrecondition` for a model that gives no vectors.
    public func embed(_ request: EmbedRequest, timeout: Duration? = nil) async throws(MartletError) -> EmbedAnswer {
        try codec.decodeEmbedAnswer(try await unary(.embed, codec.encode(request), timeout))
    }

    /// The tokens that a model makes of texts: `results[i]` are those of `inputs[i]`.
    public func tokenize(
        _ request: TokenizeRequest, timeout: Duration? = nil
    ) async throws(MartletError) -> TokenizeAnswer {
        try codec.decodeTokenizeAnswer(try await unary(.tokenize, codec.encode(request), timeout))
    }

    /// The texts that token ids stand for: `texts[i]` is what `sequences[i]` says.
    public func detokenize(
        _ request: DetokenizeRequest, timeout: Duration? = nil
    ) async throws(MartletError) -> DetokenizeAnswer {
        try codec.decodeDetokenizeAnswer(try await unary(.detokenize, codec.encode(request), timeout))
    }
}
