import Foundation
import MartletConvert
import MartletCore
import MartletServing
import MartletTestSupport
import Synchronization

/// A models folder in a temporary place, with tiny models converted into it; gone with the value.
final class ServedFolder: Sendable {
    let root: URL
    var models: String { root.appendingPathComponent("models").path }

    init() throws {
        root = FileManager.default.temporaryDirectory.appendingPathComponent("martlet-serving-\(UUID().uuidString)")
        try FileManager.default.createDirectory(
            at: root.appendingPathComponent("models"), withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(at: root) }

    /// Converts a tiny model into `<models>/<name>/<version>`.
    func add(
        _ name: String, version: Int, seed: UInt64, positiveLabel: String? = nil,
        change: (inout TinyModelFolder) -> Void = { _ in }
    ) throws {
        var model = TinyModelFolder(seed: seed)
        change(&model)
        let source = root.appendingPathComponent("source-\(name)-\(version)-\(seed)")
        try model.write(to: source)
        var options = ConvertOptions(name: name, version: version)
        options.force = true
        options.positiveLabel = positiveLabel
        if positiveLabel != nil { options.documentAggregation = .max }
        _ = try Converter(source: SourceFolder(source.path), options: options).run(into: models)
    }

    func versionFolder(_ name: String, _ version: Int) -> URL {
        root.appendingPathComponent("models/\(name)/\(version)")
    }

    /// Where a version can be put aside: on the same file system, so that moving it is one rename.
    func aside(_ name: String, _ version: Int) -> URL { root.appendingPathComponent("aside-\(name)-\(version)") }

    func serve(
        threads: Int = 2, change: (inout EngineConfiguration) -> Void = { _ in },
        onEvent: @escaping @Sendable (EngineEvent) -> Void = { _ in }
    ) async throws -> InferenceServer {
        var configuration = EngineConfiguration(modelsFolder: models, threads: threads)
        change(&configuration)
        // Kept by its server: a test that holds only that must not lose its models.
        return try await InferenceServer.start(configuration) { event in withExtendedLifetime(self) { onEvent(event) } }
    }
}

/// Collects events for a test to look at.
final class EventLog: Sendable {
    private let lines = Mutex<[String]>([])

    func add(_ event: EngineEvent) { lines.withLock { $0.append(event.description) } }

    var text: [String] { lines.withLock { $0 } }
}

extension InferenceServer {
    func logits(
        _ texts: [String], model: String = "tiny", overflow: OverflowPolicy = .error
    ) async throws -> [[Float]] {
        let request = ClassifyRequest(
            model: ModelReference(name: model), inputs: texts.map { TextInput($0) }, overflow: overflow,
            returnLogits: true)
        return try await classify(request, context: CallContext()).results.map(\.logits)
    }
}

/// Sentences of the tiny vocabulary and of letters, of many lengths, the same on every run.
func sampleTexts(_ count: Int, seed: UInt64 = 5, wordsMax: Int = 30) -> [String] {
    var random = SeededGenerator(seed: seed)
    let words = TinyModelFolder.words.split(separator: " ").map(String.init)
    return (0..<count).map { _ in
        (0..<Int.random(in: 1...wordsMax, using: &random)).map { _ in words.randomElement(using: &random) ?? "the" }
            .joined(separator: " ")
    }
}
