/// A document as it arrives. One reader.
package protocol DocumentSource: Sendable {
    /// The next bytes, in order, cut anywhere, even inside a character; nil after the last. Asking for the next chunk
    /// is what lets the peer send more. A cancelled task ends the wait with `.cancelled`.
    func next() async throws(MartletError) -> [UInt8]?
}

/// Where a document's events go, in order.
package protocol DocumentEventSink: Sendable {
    /// Suspends while the peer does not read. A cancelled task ends the wait with `.cancelled`.
    func send(_ event: DocumentEvent) async throws(MartletError)
}

/// The seam between transports and the engine: one implementation in MartletServing, fakes in transport tests.
///
/// Every call checks rights and `Limits` inside; a transport repeats no check. Cancellation arrives as a cancelled task
/// and stops the work.
package protocol InferenceHandler: Sendable {
    func classify(_ request: ClassifyRequest, context: CallContext) async throws(MartletError) -> ClassifyAnswer

    /// Reads `document` to its end (or to an early stop) and sends events; the last is `.final`.
    func classifyDocument(
        _ options: DocumentOptions, document: any DocumentSource, events: any DocumentEventSink, context: CallContext
    ) async throws(MartletError)

    /// - Throws: `.failedPrecondition` for a model that gives no vectors.
    func embed(_ request: EmbedRequest, context: CallContext) async throws(MartletError) -> EmbedAnswer

    func tokenize(_ request: TokenizeRequest, context: CallContext) async throws(MartletError) -> TokenizeAnswer

    func detokenize(_ request: DetokenizeRequest, context: CallContext) async throws(MartletError) -> DetokenizeAnswer

    /// Every known version of every model, or of the one named; sorted by name, then version.
    func listModels(named name: String?, context: CallContext) async throws(MartletError) -> [ModelStatus]

    func model(_ reference: ModelReference, context: CallContext) async throws(MartletError) -> ModelStatus

    /// What `listModels` answers, now and after each change; of changes that nobody has read only the last is kept. A
    /// model that is not known yet is an empty list, not an error.
    func watchModels(named name: String?, context: CallContext) async throws(MartletError) -> AsyncStream<[ModelStatus]>

    /// Serves a model again after `unloadModel`, and looks at its folder now. Returns when nothing is left to do.
    /// - Throws: `.notFound` when its folder holds no version, `.failedPrecondition` with the reason when none got
    ///   ready.
    func loadModel(named name: String, context: CallContext) async throws(MartletError) -> [ModelStatus]

    /// Takes every version of a model out of service until `loadModel`; calls that hold one end first.
    func unloadModel(named name: String, context: CallContext) async throws(MartletError)

    /// Points `label` at a ready version; nil takes the label away.
    func setLabel(
        _ label: String, of name: String, to version: Int?, context: CallContext
    ) async throws(MartletError)

    /// Of every loaded version, or of the named model's; sorted by name, then version.
    func statistics(named name: String?, context: CallContext) async throws(MartletError) -> [ModelStatistics]

    var facts: EngineFacts { get }
}
