import MartletCore
import MartletWire

/// Of the calls beside Classify and ClassifyDocument.
extension Samples {
    static let stableReference = ModelReference(name: "guard", selector: .label("stable"))
    static let streamRequest = ClassifyStreamRequest(id: "Nr. 1 🦜", request: request)

    static let embedRequest = EmbedRequest(
        model: stableReference,
        inputs: [.text("Grüße 🦜"), .tokens([7, 0, 30_521]), .tokens([]), .text("")], overflow: .truncateLeft,
        normalize: false, dimensions: 128, perToken: true)
    static let embedAnswer = EmbedAnswer(
        model: identity,
        results: [
            EmbedResult(values: [0.5, -1.25, 3, 4], rows: 2, tokensRead: 512, tokensTotal: 700, truncated: true),
            EmbedResult(values: [1, 0], tokensRead: 5, tokensTotal: 5),
        ],
        timing: timing)

    static let tokenizeRequest = TokenizeRequest(
        model: stableReference, inputs: request.inputs, addSpecialTokens: false)
    static let tokenizeAnswer = TokenizeAnswer(
        model: identity,
        results: [
            [
                Token(id: 101, text: "[CLS]", isSpecial: true, span: nil),
                Token(id: 2_088, text: "##ing", isSpecial: false, typeID: 1, span: window.span),
            ],
            [],
        ])
    static let detokenizeRequest = DetokenizeRequest(
        model: stableReference, sequences: [[101, 2_088], []], skipSpecialTokens: false)
    static let detokenizeAnswer = DetokenizeAnswer(model: identity, texts: ["Grüße 🦜", ""])

    static let statistics = ModelStatistics(
        name: "guard", version: 3, calls: 7, failures: 1, texts: 9, batches: 5, tokens: 270, queue: .microseconds(11),
        tokenize: .microseconds(22), compute: .microseconds(33), batchCompute: .microseconds(44),
        callTime: .microseconds(55), lastUsedMilliseconds: 1_700_000_000_123)
    static let serverStatus = ServerStatus(
        software: "martlet/0.1.0", isReady: true, facts: EngineFacts(computeThreads: 2, cpuLevel: "avx512vnni"),
        queueTokensMax: 262_144, batchTokensMax: 2_048, textsPerRequestMax: 256, messageBytesMax: 4 << 20)
}
