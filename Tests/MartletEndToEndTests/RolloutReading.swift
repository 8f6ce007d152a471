import Foundation
import MartletClient
import MartletCore

/// What `--json` says of a rollout.
struct RolloutReading: Decodable, Equatable {
    var model: String
    var label: String
    var from: Int
    var to: Int
    var phase: String
    var step: Int
    var steps: Int
    var percent: Double
    var reason: String
}

/// What `martlet models --json` says of a version.
struct VersionReading: Decodable {
    var version: Int
    var state: String
    var reason: String
    var quarantined: Bool
}

extension CommandLineTests.Outcome {
    func read<Value: Decodable>(_ type: Value.Type) throws -> Value {
        try JSONDecoder().decode(type, from: Data(output.utf8))
    }

    var lines: [String] { output.split(separator: "\n").map(String.init) }
}

extension MartletClient {
    /// Returns once the rollout of a label is as `condition` wants it.
    @discardableResult
    func rollout(
        of model: String, label: String = "latest", until condition: (RolloutStatus) -> Bool
    ) async throws -> RolloutStatus {
        for try await statuses in watchRollouts(named: model) {
            if let status = statuses.first(where: { $0.spec.label == label }), condition(status) { return status }
        }
        throw MartletError(.unavailable, "the server left")
    }

    /// Returns once the versions of `model` that answer are these.
    func ready(_ versions: Int..., of model: String = "tiny") async throws {
        for try await statuses in watchModels(named: model) {
            if statuses.filter({ $0.state == .ready }).map(\.version) == versions { return }
        }
        throw MartletError(.unavailable, "the server left")
    }

    /// The version that answers, and its label for a text.
    func answer(of model: String = "tiny", to text: String = "the good people") async throws -> (Int, String) {
        let name = ModelReference(parsing: model) ?? ModelReference(name: model)
        let answer = try await classify(ClassifyRequest(model: name, inputs: [TextInput(text)]))
        return (answer.model.version, answer.results.first?.scores.first?.label ?? "")
    }
}
