import Foundation
import MartletConvert
import MartletTestSupport

/// What a server serves and what it keeps. Outlives its processes, so that another one can go on from it.
final class ServerFolder: Sendable {
    let url = FileManager.default.temporaryDirectory.appendingPathComponent("martlet-\(UUID().uuidString)")

    var models: URL { url.appendingPathComponent("models") }
    var state: URL { url.appendingPathComponent("state") }

    init() throws { try FileManager.default.createDirectory(at: models, withIntermediateDirectories: true) }

    /// With versions of `tiny`: 1 and 2 give the same answers, 3 calls everything by the other label.
    convenience init(versions: Int...) throws {
        try self.init()
        for version in versions { try convert("tiny", version: version) }
    }

    deinit { try? FileManager.default.removeItem(at: url) }

    /// Writes a file in one step, as it is to be done with one that a server follows.
    /// - Returns: its path.
    func write(_ name: String, _ text: String) throws -> String {
        let file = url.appendingPathComponent(name)
        try Data(text.utf8).write(to: file, options: .atomic)
        return file.path
    }

    /// Makes `<place>/<name>/<version>`.
    /// - Parameter place: inside the folder; `models` is what is served.
    /// - Returns: the version's folder.
    @discardableResult
    func convert(
        _ name: String, version: Int, into place: String = "models", change: (inout TinyModelFolder) -> Void = { _ in }
    ) throws -> String {
        var model = TinyModelFolder(seed: 1)
        if version == 3 { model.labels.reverse() }
        change(&model)
        let source = url.appendingPathComponent("source-\(name)-\(version)")
        try model.write(to: source)
        defer { try? FileManager.default.removeItem(at: source) }
        var options = ConvertOptions(name: name, version: version)
        options.force = true
        let models = url.appendingPathComponent(place).path
        _ = try Converter(source: SourceFolder(source.path), options: options).run(into: models)
        return "\(models)/\(name)/\(version)"
    }
}
