package import MartletCore

// Replaced, one after the other, by the calls themselves.
extension InferenceServer {
    private static var pending: MartletError { MartletError(.unimplemented, "this server does not answer this call yet") }

    package func embed(_ request: EmbedRequest, context: CallContext) async throws(MartletError) -> EmbedAnswer {
        throw Self.pending
    }

    package func tokenize(
        _ request: TokenizeRequest, context: CallContext
    ) async throws(MartletError) -> TokenizeAnswer {
        throw Self.pending
    }

    package func detokenize(
        _ request: DetokenizeRequest, context: CallContext
    ) async throws(MartletError) -> DetokenizeAnswer {
        throw Self.pending
    }

    package func watchModels(
        named name: String?, context: CallContext
    ) async throws(MartletError) -> AsyncStream<[ModelStatus]> {
        throw Self.pending
    }

    package func loadModel(named name: String, context: CallContext) async throws(MartletError) -> [ModelStatus] {
        throw Self.pending
    }

    package func unloadModel(named name: String, context: CallContext) async throws(MartletError) {
        throw Self.pending
    }

    package func setLabel(
        _ label: String, of name: String, to version: Int?, context: CallContext
    ) async throws(MartletError) {
        throw Self.pending
    }

    package func statistics(named name: String?, context: CallContext) async throws(MartletError) -> [ModelStatistics] {
        throw Self.pending
    }

    package var facts: EngineFacts { EngineFacts(computeThreads: computeThreads, cpuLevel: kernelLevel.rawValue) }
}
