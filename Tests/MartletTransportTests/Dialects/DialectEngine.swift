import Foundation
import MartletCore
import Synchronization

/// An engine with three models whose answers a test can work out:
/// - `guard`, versions 1 and 3: the labels SAFE and INJECTION, logits 0 and the bytes of text and pair less 4.
/// - `rank` version 1: one label, its logit the bytes of the pair less the bytes of the text.
/// - `vectors` version 2: for a text (bytes, scalars, 1) or for tokens (their number, 0, 1), of length 1 where asked.
///
/// A text of more than 20 bytes has 600 tokens, which is too many. `busy`, `down`, `broken` and `late` fail as they
/// say.
final class DialectEngine: InferenceHandler {
    private let base = FakeHandler()
    let classified = Mutex<[(request: ClassifyRequest, context: CallContext)]>([])
    let embedded = Mutex<[EmbedRequest]>([])
    let loads = Mutex<[String]>([])
    private let models: [ModelStatus]

    static let maxTokens = 512

    static let all: [ModelStatus] = [
        status("guard", 1, ["SAFE", "INJECTION"]),
        status("guard", 3, ["SAFE", "INJECTION"], labels: ["latest", "stable"]),
        ModelStatus(name: "guard", version: 4, state: .failed, reason: "digest mismatch"),
        status("rank", 1, ["RELEVANT"]), status("vectors", 2, [], dimensions: 3),
    ]

    /// - Parameter names: of the models that are there; all when nil.
    init(_ names: Set<String>? = nil) {
        models = Self.all.filter { names?.contains($0.name) ?? true }
    }

    private static func status(
        _ name: String, _ version: Int, _ classes: [String], labels: [String] = ["latest"], dimensions: Int = 0
    ) -> ModelStatus {
        ModelStatus(
            name: name, version: version, state: .ready, versionLabels: labels, digest: "d\(version)",
            classLabels: classes, task: dimensions > 0 ? "feature-extraction" : "text-classification",
            maxTokens: maxTokens, dimensions: dimensions, architecture: "bert",
            precision: name == "rank" ? "float32" : "int8")
    }

    private func resolve(_ reference: ModelReference) throws(MartletError) -> ModelStatus {
        let versions = models.filter { $0.name == reference.name && $0.state == .ready }
        let found =
            switch reference.selector {
            case .latest: versions.last
            case .version(let number): models.first { $0.name == reference.name && $0.version == number }
            case .label(let label): versions.first { $0.versionLabels.contains(label) }
            }
        guard let found else { throw MartletError(.notFound, "there is no model of that name") }
        return found
    }

    private static func check(_ text: String, _ overflow: OverflowPolicy) throws(MartletError) -> Bool {
        switch text {
        case "": throw MartletError(.invalidArgument, "inputs[0].text is empty; there is nothing to classify")
        case "busy":
            throw MartletError(.resourceExhausted, "the queue is full", retryAfter: .milliseconds(1_200))
        case "down": throw MartletError(.unavailable, "the server drains")
        case "broken": throw MartletError(.internalError, "the engine failed")
        case "late": throw MartletError(.deadlineExceeded, "the deadline passed")
        default: break
        }
        guard text.utf8.count > 20 else { return false }
        guard overflow != .error else {
            throw MartletError(.invalidArgument, "inputs[0] has 600 tokens and 512 is the limit")
        }
        return true
    }

    func classify(_ request: ClassifyRequest, context: CallContext) async throws(MartletError) -> ClassifyAnswer {
        classified.withLock { $0.append((request, context)) }
        let status = try resolve(request.model)
        guard status.dimensions == 0 else { throw MartletError(.failedPrecondition, "this model gives vectors") }
        guard !request.inputs.isEmpty else {
            throw MartletError(.invalidArgument, "inputs is empty; send 1 to 256 texts")
        }
        var results: [TextResult] = []
        for input in request.inputs {
            let isCut = try Self.check(input.text, request.overflow)
            let text = Float(input.text.utf8.count)
            let pair = Float(input.pair?.utf8.count ?? 0)
            let logits = status.name == "rank" ? [pair - text] : [0, text + pair - 4]
            let sum = logits.reduce(Float(0)) { $0 + exp($1) }
            let scores = zip(status.classLabels, logits).enumerated()
                .map { LabelScore(label: $1.0, index: $0, score: exp($1.1) / sum) }.sorted { $0.score > $1.score }
            results.append(
                TextResult(
                    scores: scores, logits: request.returnLogits && request.overflow != .window ? logits : [],
                    tokensRead: isCut ? 512 : 5, tokensTotal: isCut ? 600 : 5, truncated: isCut))
        }
        return ClassifyAnswer(
            model: ModelIdentity(name: status.name, version: status.version, digest: status.digest), results: results,
            timing: CallTiming(
                queue: .milliseconds(1), tokenize: .milliseconds(2), compute: .milliseconds(3), total: .milliseconds(7)
            ))
    }

    func embed(_ request: EmbedRequest, context: CallContext) async throws(MartletError) -> EmbedAnswer {
        embedded.withLock { $0.append(request) }
        let status = try resolve(request.model)
        guard status.dimensions > 0 else { throw MartletError(.failedPrecondition, "this model gives no vectors") }
        guard !request.inputs.isEmpty else {
            throw MartletError(.invalidArgument, "inputs is empty; send 1 to 256 texts")
        }
        var results: [EmbedResult] = []
        for input in request.inputs {
            var values: [Float]
            switch input {
            case .text(let text):
                _ = try Self.check(text, request.overflow)
                values = [Float(text.utf8.count), Float(text.unicodeScalars.count), 1]
            case .tokens(let ids): values = [Float(ids.count), 0, 1]
            }
            if request.dimensions > 0 { values = Array(values.prefix(request.dimensions)) }
            if request.normalize {
                let length = values.reduce(0) { $0 + $1 * $1 }.squareRoot()
                values = values.map { $0 / length }
            }
            results.append(
                EmbedResult(
                    values: request.perToken ? values + values : values, rows: request.perToken ? 2 : 1, tokensRead: 4,
                    tokensTotal: 4))
        }
        return EmbedAnswer(
            model: ModelIdentity(name: status.name, version: status.version, digest: status.digest), results: results)
    }

    func listModels(named name: String?, context: CallContext) async throws(MartletError) -> [ModelStatus] {
        models.filter { name == nil || $0.name == name }
    }

    func model(_ reference: ModelReference, context: CallContext) async throws(MartletError) -> ModelStatus {
        try resolve(reference)
    }

    func loadModel(named name: String, context: CallContext) async throws(MartletError) -> [ModelStatus] {
        loads.withLock { $0.append("load \(name)") }
        return try [resolve(ModelReference(name: name))]
    }

    func unloadModel(named name: String, context: CallContext) async throws(MartletError) {
        loads.withLock { $0.append("unload \(name)") }
        _ = try resolve(ModelReference(name: name))
    }

    func statistics(named name: String?, context: CallContext) async throws(MartletError) -> [ModelStatistics] {
        models.filter { $0.state == .ready && (name == nil || $0.name == name) }.map {
            ModelStatistics(
                name: $0.name, version: $0.version, calls: 7, failures: 1, texts: 9, batches: 5, tokens: 27,
                queue: .microseconds(10), tokenize: .microseconds(20), compute: .microseconds(30),
                callTime: .microseconds(70), lastUsedMilliseconds: 1_700_000_000_000)
        }
    }

    // MARK: As the common fake does it

    func classifyDocument(
        _ options: DocumentOptions, document: any DocumentSource, events: any DocumentEventSink, context: CallContext
    ) async throws(MartletError) {
        try await base.classifyDocument(options, document: document, events: events, context: context)
    }

    func tokenize(_ request: TokenizeRequest, context: CallContext) async throws(MartletError) -> TokenizeAnswer {
        try await base.tokenize(request, context: context)
    }

    func detokenize(_ request: DetokenizeRequest, context: CallContext) async throws(MartletError) -> DetokenizeAnswer
    {
        try await base.detokenize(request, context: context)
    }

    func watchModels(
        named name: String?, context: CallContext
    ) async throws(MartletError) -> AsyncStream<[ModelStatus]> {
        try await base.watchModels(named: name, context: context)
    }

    func setLabel(
        _ label: String, of name: String, to version: Int?, context: CallContext
    ) async throws(MartletError) {}

    var facts: EngineFacts { EngineFacts(computeThreads: 2, cpuLevel: "scalar") }
}
