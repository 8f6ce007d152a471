import Foundation
import MartletCore
import MartletTransport

/// A server whose model does nothing, so that a call costs what its protocol costs.
///
/// `martlet-measure wire-server` listens, prints its addresses, a line each, and serves until its standard input ends.
enum WireServer {
    static func serve(_ arguments: [String]) async -> Int32 {
        let addresses = arguments.compactMap { ListenAddress(parsing: $0) }
        guard !addresses.isEmpty, addresses.count == arguments.count else {
            FileHandle.standardError.write(Data("Usage: martlet-measure wire-server ADDRESS...\n".utf8))
            return 2
        }
        do {
            let server = MartletServer(handler: NoOpHandler(), limits: Limits(), software: "martlet-measure")
            for address in addresses { print(try await server.listen(on: address)) }
            print("listening")
            fflush(nil)
            while readLine() != nil {}
            _ = await server.drain(within: .seconds(5))
            return 0
        } catch {
            FileHandle.standardError.write(Data("martlet-measure: \(error)\n".utf8))
            return 1
        }
    }
}

/// Answers every text with the same two scores at once.
struct NoOpHandler: InferenceHandler {
    private static let identity = ModelIdentity(
        name: "noop", version: 1, digest: String(repeating: "0", count: 64))
    private static let result = TextResult(
        scores: [LabelScore(label: "SAFE", index: 0, score: 0.75), LabelScore(label: "OTHER", index: 1, score: 0.25)],
        tokensRead: 50, tokensTotal: 50)
    private static let status = ModelStatus(
        name: "noop", version: 1, state: .ready, versionLabels: ["latest"], digest: identity.digest,
        classLabels: ["SAFE", "OTHER"], task: "text-classification", maxTokens: 512)

    private var refusal: MartletError { MartletError(.failedPrecondition, "the model of this benchmark only classifies") }

    func classify(_ request: ClassifyRequest, context: CallContext) async throws(MartletError) -> ClassifyAnswer {
        ClassifyAnswer(model: Self.identity, results: Array(repeating: Self.result, count: request.inputs.count))
    }

    func classifyDocument(
        _ options: DocumentOptions, document: any DocumentSource, events: any DocumentEventSink, context: CallContext
    ) async throws(MartletError) { throw refusal }

    func embed(_ request: EmbedRequest, context: CallContext) async throws(MartletError) -> EmbedAnswer { throw refusal }

    func tokenize(_ request: TokenizeRequest, context: CallContext) async throws(MartletError) -> TokenizeAnswer {
        throw refusal
    }

    func detokenize(
        _ request: DetokenizeRequest, context: CallContext
    ) async throws(MartletError) -> DetokenizeAnswer { throw refusal }

    func listModels(named name: String?, context: CallContext) async throws(MartletError) -> [ModelStatus] {
        [Self.status]
    }

    func model(_ reference: ModelReference, context: CallContext) async throws(MartletError) -> ModelStatus {
        Self.status
    }

    func watchModels(
        named name: String?, context: CallContext
    ) async throws(MartletError) -> AsyncStream<[ModelStatus]> {
        AsyncStream { $0.yield([Self.status]) }
    }

    func loadModel(named name: String, context: CallContext) async throws(MartletError) -> [ModelStatus] { throw refusal }

    func unloadModel(named name: String, context: CallContext) async throws(MartletError) { throw refusal }

    func setLabel(
        _ label: String, of name: String, to version: Int?, context: CallContext
    ) async throws(MartletError) { throw refusal }

    func statistics(named name: String?, context: CallContext) async throws(MartletError) -> [ModelStatistics] { [] }

    var facts: EngineFacts { EngineFacts(computeThreads: 1, cpuLevel: "none") }
}
