package import MartletCore

/// Whether requests should come to this server: some model is ready, and the server does not drain. What every
/// protocol's own question for it is answered by.
package struct Readiness: Sendable {
    private let handler: any InferenceHandler
    private let drain: DrainSignal

    package init(handler: any InferenceHandler, drain: DrainSignal) {
        self.handler = handler
        self.drain = drain
    }

    /// - Throws: `.unavailable` with the reason when they should not.
    package func check(_ context: CallContext) async throws(MartletError) {
        if drain.isRaised { throw .shuttingDown }
        let models = try await handler.listModels(named: nil, context: context)
        guard models.contains(where: { $0.state == .ready }) else {
            throw MartletError(.unavailable, "no model is ready")
        }
    }

    package func isReady(_ context: CallContext) async throws(MartletError) -> Bool {
        do throws(MartletError) {
            try await check(context)
            return true
        } catch {
            guard error.code == .unavailable else { throw error }
            return false
        }
    }
}
