import MartletCore
import MartletRollout
import MartletServing
import MartletTestSupport

/// What tests of routes and rollouts ask of a server.
extension InferenceServer {
    func answer(_ text: String, model: String = "tiny", metadata: CallMetadata = CallMetadata()) async throws -> (
        version: Int, logits: [Float], label: String
    ) {
        let reference = ModelReference(parsing: model) ?? ModelReference(name: model)
        let request = ClassifyRequest(model: reference, inputs: [TextInput(text)], returnLogits: true)
        let answer = try await classify(request, context: CallContext(metadata: metadata))
        return (answer.model.version, answer.results[0].logits, answer.results[0].scores.first?.label ?? "")
    }

    func route(_ label: String, of name: String = "tiny") async throws -> RouteStatus? {
        try await routes(named: name, context: CallContext()).first { $0.label == label }
    }

    func comparison(_ label: String = "latest", of name: String = "tiny") async throws -> ShadowComparison? {
        try await route(label, of: name)?.comparison
    }

    func states(of name: String = "tiny") -> [VersionState] {
        statuses().filter { $0.name == name }.map(\.state)
    }

    /// Returns once every copy was compared or given up.
    func compared(copies: Int) async throws -> ShadowComparison? {
        while true {
            if let comparison = try await comparison(),
                comparison.texts + comparison.failures + comparison.skipped >= copies
            {
                return comparison
            }
            await Task.yield()
        }
    }
}

/// Asks until it holds. A test whose condition never holds is ended by its time limit.
func until(_ condition: () async throws -> Bool) async rethrows {
    while try await !condition() { await Task.yield() }
}

/// Moves the clock on, a second at a time as soon as somebody waits for it, until it holds.
func advance(_ clock: ManualClock, until condition: () async throws -> Bool) async rethrows {
    while try await !condition() {
        if clock.sleepers > 0 { clock.advance(by: .seconds(1)) }
        await Task.yield()
    }
}
