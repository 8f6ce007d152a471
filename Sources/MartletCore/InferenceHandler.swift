/// What a transport knows about the call it brings.
package struct CallContext: Sendable {
    package var deadline: Deadline
    /// When the call's first byte was decoded.
    package var arrival: ContinuousClock.Instant

    package init(deadline: Deadline = .none, arrival: ContinuousClock.Instant = .now) {
        self.deadline = deadline
        self.arrival = arrival
    }
}

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

    /// Every known version of every model, or of the one named; sorted by name, then version.
    func listModels(named name: String?, context: CallContext) async throws(MartletError) -> [ModelStatus]

    func model(_ reference: ModelReference, context: CallContext) async throws(MartletError) -> ModelStatus
}
