import Foundation
import MartletArtifact
import MartletConvert
import MartletCore
import MartletServing
import Testing

/// The default models, converted once for all tests from what `Tools/models/assemble` put together.
///
/// Tests that need them are skipped, and say so, where `Tools/test` has not fetched the packages.
enum DefaultModels {
    static let fixtures = ProcessInfo.processInfo.environment["MARTLET_FIXTURES"].map { URL(fileURLWithPath: $0) }
    static let sources = fixtures?.deletingLastPathComponent().appendingPathComponent(".build-models")

    static var areHere: Bool {
        guard let fixtures, let sources else { return false }
        return ["guard", "topics"].allSatisfy {
            FileManager.default.fileExists(atPath: sources.appendingPathComponent("\($0)/config.json").path)
                && FileManager.default.fileExists(atPath: fixtures.appendingPathComponent("models/\($0).json").path)
        }
    }

    /// The body for its vectors, and reference embeddings.
    static var vectorsAreHere: Bool {
        let body = sources?.appendingPathComponent("\(vectorModel)/config.json").path
        let vectors = fixtures?.appendingPathComponent("models/embeddings.json").path
        return areHere && [body, vectors].allSatisfy { $0.map { FileManager.default.fileExists(atPath: $0) } ?? false }
    }

    private static let vectorModel = "minilm"

    static let missing: Comment = "needs the default models: run Tools/test, which fetches them"

    /// `guard/1`, `topics/1`, `minilm/1` in int8 and `guard-fp32/1`, `topics-fp32/1` in float32.
    private static func convert() throws -> URL {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("martlet-default-models-\(getpid())")
        try? FileManager.default.removeItem(at: folder)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        guard let sources else { throw MartletError(.failedPrecondition, "MARTLET_FIXTURES is not set") }
        for name in ["guard", "topics"] + (vectorsAreHere ? [vectorModel] : []) {
            for precision in name == vectorModel ? [Precision.int8] : [.int8, .float32] {
                var options = ConvertOptions(name: precision == .int8 ? name : "\(name)-fp32", version: 1)
                options.precision = precision
                options.positiveLabel = name == "guard" ? "INJECTION" : nil
                options.documentAggregation = name == "guard" ? .max : nil
                let source = SourceFolder(sources.appendingPathComponent(name).path)
                let report = try Converter(source: source, options: options).run(into: folder.path)
                if let receipt = report.receipt { print("\(name): \(receipt)") }
            }
        }
        return folder
    }

    /// One engine for all tests; it ends with the process.
    static let engine = Task { () async throws -> InferenceServer in
        // On a thread of its own: converting takes seconds, and every other test waits for the cooperative pool.
        let folder = await withCheckedContinuation { continuation in
            Thread.detachNewThread { continuation.resume(returning: Result { try convert() }) }
        }
        return try await InferenceServer.start(EngineConfiguration(modelsFolder: try folder.get().path)) { _ in }
    }

    static func read<Value: Decodable>(_ type: Value.Type, _ name: String) throws -> Value {
        let fixtures = try #require(fixtures)
        return try JSONDecoder().decode(
            type, from: Data(contentsOf: fixtures.appendingPathComponent("models/\(name).json")))
    }
}

struct ReferenceLogits: Decodable {
    struct Example: Decodable {
        let text: String
        let ids: [Int32]
        let logits: [Float]
    }

    let labels: [String]
    let examples: [Example]
}

struct HeldOut: Decodable {
    struct Example: Decodable {
        let text: String
        let kind: String
        let label: String
        let referenceLabel: String
    }

    let examples: [Example]
}
