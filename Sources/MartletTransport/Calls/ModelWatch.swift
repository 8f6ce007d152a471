internal import MartletCore
internal import MartletWire

/// `WatchModels`: what is served, now and after each change, until the client leaves or the server drains.
struct ModelWatch: Sendable {
    let handler: any InferenceHandler
    let codec: MessageCodec
    let drain: DrainSignal

    /// - Throws: `.unavailable` when the server drains: the client watches another one, or this one again later.
    func run(
        named name: String?, _ answers: any MessageSink, _ context: CallContext
    ) async throws(MartletError) {
        let changes = try await handler.watchModels(named: name, context: context)
        let result = await withTaskGroup(of: Result<Void, MartletError>.self) { group in
            group.addTask { await send(changes, to: answers) }
            group.addTask {
                await drain.wait()
                return .failure(.shuttingDown)
            }
            let first = await group.next() ?? .failure(.shuttingDown)
            group.cancelAll()
            return first
        }
        try result.get()
    }

    private func send(
        _ changes: AsyncStream<[ModelStatus]>, to answers: any MessageSink
    ) async -> Result<Void, MartletError> {
        do throws(MartletError) {
            for await models in changes { try await answers.send(message: codec.encodeListModelsResponse(models)) }
        } catch {
            return .failure(error)
        }
        return .failure(.shuttingDown)
    }
}
