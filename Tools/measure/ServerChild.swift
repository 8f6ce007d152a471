import Foundation
import MartletArtifact
import MartletConvert
import MartletCore
import MartletServing
import MartletTestSupport

/// A server in a process of its own, so that its CPU time and its memory are nobody else's.
///
/// The child is this program again with `serve-child`; it serves a tiny model over a Unix socket until its standard
/// input ends, so it cannot outlive its parent.
struct ServerChild {
    static let modelName = "tiny"
    let folder: URL
    let socketPath: String
    let process: Process
    private let input = Pipe()

    /// Converts `model`, starts the child on the CPU `cpu` (nil: any) and waits until it listens.
    init(model: TinyModelFolder, cpu: Int?) throws {
        folder = FileManager.default.temporaryDirectory.appendingPathComponent("martlet-measure-\(UUID().uuidString)")
        let source = folder.appendingPathComponent("source")
        try model.write(to: source)
        var options = ConvertOptions(name: Self.modelName, version: 1)
        options.force = true
        options.createdBy = "martlet-measure"
        let models = folder.appendingPathComponent("models")
        try FileManager.default.createDirectory(at: models, withIntermediateDirectories: true)
        _ = try Converter(source: SourceFolder(source.path), options: options).run(into: models.path)
        socketPath = folder.appendingPathComponent("s").path

        process = Process()
        let program = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath().path
        let words = [program, "serve-child", models.path, socketPath]
        if let cpu {
            process.executableURL = URL(fileURLWithPath: "/usr/bin/taskset")
            process.arguments = ["-c", String(cpu)] + words
        } else {
            process.executableURL = URL(fileURLWithPath: program)
            process.arguments = Array(words.dropFirst())
        }
        let output = Pipe()
        process.standardInput = input
        process.standardOutput = output
        try process.run()
        guard !output.fileHandleForReading.availableData.isEmpty else {
            throw MartletError(.unavailable, "the measured server did not start")
        }
    }

    /// Ends the child and removes its files.
    func end() {
        try? input.fileHandleForWriting.close()
        process.waitUntilExit()
        try? FileManager.default.removeItem(at: folder)
    }

    /// What it takes of the machine.
    var measured: MeasuredProcess { MeasuredProcess(id: process.processIdentifier) }

    /// The child's side: serves until standard input ends.
    static func serve(_ arguments: [String]) async -> Int32 {
        guard arguments.count == 2 else { return 2 }
        do {
            let engine = try await InferenceServer.start(EngineConfiguration(modelsFolder: arguments[0])) { _ in }
            try await MeasuredServer.serve(engine, at: [.unix(path: arguments[1])])
            await engine.shutdown()
            return 0
        } catch {
            FileHandle.standardError.write(Data("martlet-measure: \(error)\n".utf8))
            return 1
        }
    }
}
