import Foundation
import MartletConvert
import MartletCore
import MartletTestSupport

/// The real `martlet serve` on versions 1 and 2 of `swap`; nothing is loaded until somebody asks. Ends with `end()`.
final class SwapServer {
    static let modelName = "swap"
    let address: ServerAddress
    private let folder: URL
    private let process = Process()

    init(model: SwapOptions.Model) throws {
        folder = FileManager.default.temporaryDirectory.appendingPathComponent("martlet-swap-\(UUID().uuidString)")
        let models = folder.appendingPathComponent("models")
        try FileManager.default.createDirectory(at: models, withIntermediateDirectories: true)
        for version in [1, 2] { try Self.convert(model, version: version, into: models, scratch: folder) }
        let policy = folder.appendingPathComponent("policy.yaml")
        try "defaults:\n  versions: routed\n".write(to: policy, atomically: true, encoding: .utf8)
        let socket = folder.appendingPathComponent("s").path, ready = folder.appendingPathComponent("ready").path
        address = .unix(path: socket)
        process.executableURL = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
            .deletingLastPathComponent().appendingPathComponent("martlet")
        process.arguments = [
            "serve", "--models", models.path, "--models-config", policy.path, "--listen", "unix:\(socket)",
            "--ready-file", ready, "--log-level", "error",
        ]
        process.standardOutput = FileHandle.nullDevice
        try process.run()
        for _ in 0..<600 where !FileManager.default.fileExists(atPath: ready) {
            guard process.isRunning else { break }
            usleep(50_000)
        }
        guard FileManager.default.fileExists(atPath: ready) else {
            throw MartletError(.unavailable, "the measured server did not start")
        }
    }

    var measured: MeasuredProcess { MeasuredProcess(id: process.processIdentifier) }

    func end() {
        process.terminate()
        process.waitUntilExit()
        try? FileManager.default.removeItem(at: folder)
    }

    /// Two models that differ in everything an answer shows.
    private static func convert(_ model: SwapOptions.Model, version: Int, into models: URL, scratch: URL) throws {
        let source: String
        switch model {
        case .guardModel: source = version == 1 ? ".build-models/guard" : ".build-models/topics"
        case .tiny:
            var tiny = TinyModelFolder(seed: UInt64(version))
            tiny.labels = version == 1 ? ["SAFE", "INJECTION"] : ["A", "B", "C"]
            let made = scratch.appendingPathComponent("source-\(version)")
            try tiny.write(to: made)
            source = made.path
        }
        var options = ConvertOptions(name: modelName, version: version)
        options.force = true
        options.createdBy = "martlet-measure"
        _ = try Converter(source: SourceFolder(source), options: options).run(into: models.path)
    }
}
