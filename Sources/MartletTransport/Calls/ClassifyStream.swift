internal import MartletCore
internal import MartletWire

/// `ClassifyStream`: many requests on one call. One that fails is answered with its failure and does not end the
/// stream.
struct ClassifyStream: Sendable {
    let handler: any InferenceHandler
    let codec: MessageCodec
    let limits: Limits

    /// - Throws: what the source or the sink throw, or `.invalidArgument` for a message without a readable id.
    func run(
        _ requests: any MessageSource, _ answers: any MessageSink, _ context: CallContext
    ) async throws(MartletError) {
        try await RequestStream(limits: limits).run(requests, answers, context) { (message) throws(MartletError) in
            let item = try codec.decodeClassifyStreamItem(message)
            return RequestStream.Request(isUnordered: item.isUnordered) { context in
                codec.encode(ClassifyStreamAnswer(id: item.id, outcome: await outcome(of: item, context)))
            }
        }
    }

    private func outcome(
        of item: ClassifyStreamItem, _ context: CallContext
    ) async -> Result<ClassifyAnswer, MartletError> {
        do throws(MartletError) {
            return .success(try await handler.classify(try item.request.get(), context: context))
        } catch {
            return .failure(error)
        }
    }
}
