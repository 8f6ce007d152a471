import Foundation
import MartletArtifact
import MartletConvert
import MartletCore

/// Tests that convert model folders in a workspace of their own.
protocol FolderConversion {
    var workspace: Workspace { get }
}

extension FolderConversion {
    var root: URL { workspace.root }
    var models: String { root.appendingPathComponent("models").path }

    func convert(
        _ folder: URL, name: String = "tiny", _ edit: (inout ConvertOptions) -> Void = { _ in }
    ) throws -> (report: ConvertReport, artifact: ModelArtifact) {
        var options = ConvertOptions(name: name)
        options.force = true
        edit(&options)
        let report = try Converter(source: SourceFolder(folder.path), options: options).run(into: models)
        return (report, try ArtifactReader().read(folder: "\(models)/\(report.published.id)"))
    }

    /// Why a folder is not converted; "converted" when it is.
    func refusal(_ folder: URL, _ edit: (inout ConvertOptions) -> Void = { _ in }) -> String {
        do {
            _ = try convert(folder, edit)
            return "converted"
        } catch {
            return (error as? MartletError)?.message ?? "\(error)"
        }
    }
}
