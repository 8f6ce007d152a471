import Foundation
import MartletCore
import MartletTransport

/// `martlet serve --check`: what would hold, where each value comes from, and whether the machine can give it.
struct ConfigurationCheck {
    let resolved: [ResolvedSetting]
    let unknownVariables: [String]

    private struct Row: Encodable {
        var setting: String
        var value: String
        var source: String
    }

    private struct Report: Encodable {
        var settings: [Row]
        var problems: [String]
        var unknownVariables: [String]
        var holds: Bool
    }

    func run(json: Bool) async throws(CommandFailure) {
        var problems: [String] = []
        var models: [Row] = []
        do {
            let settings = try ServeSettings(resolved)
            if let file = settings.modelsConfig {
                do throws(CommandFailure) {
                    let limit = settings.limits.modelMemoryBytesMax
                    let read = try ModelsFile.read(file, memoryBytesMax: limit == 0 ? nil : limit)
                    models = ModelsFile.rows(read).map {
                        Row(setting: $0.field, value: $0.value, source: "modelsConfig")
                    }
                } catch {
                    problems.append(error.message ?? "modelsConfig does not hold")
                }
            }
            if let problem = Self.folderProblem(settings.models) { problems.append(problem) }
            if let identity = settings.tls {
                do throws(MartletError) { _ = try ServerTLS(identity) } catch { problems.append(error.message) }
            }
            do throws(CommandFailure) {
                _ = try SignatureKeyFiles.policy(
                    settings.signatureKeys, isRequired: settings.requireSignature, failing: .configuration)
            } catch {
                problems.append(error.message ?? "a signature key cannot be read")
            }
            for target in settings.listen + settings.manage {
                if let problem = ListenProbe.problem(with: target) { problems.append(problem) }
            }
            if let file = settings.readyFile {
                let folder = (file as NSString).deletingLastPathComponent
                if access(folder.isEmpty ? "." : folder, W_OK) != 0 {
                    problems.append("readyFile '\(file)' cannot be written: \(Self.systemMessage())")
                }
            }
        } catch {
            problems.append(error.message ?? "the configuration does not hold")
        }
        let rows = resolved.map { Row(setting: $0.setting.key, value: $0.text, source: $0.source.description) } + models
        if json {
            Output.standard.line(
                JSONText.pretty(
                    Report(
                        settings: rows, problems: problems, unknownVariables: unknownVariables, holds: problems.isEmpty)
                ))
        } else {
            var table = Table([("setting", .left), ("value", .left), ("source", .left), ("", .left)])
            let helps = resolved.map(\.setting.help) + models.map { _ in "" }
            for (row, help) in zip(rows, helps) {
                table.append([row.setting, row.value.isEmpty ? "-" : row.value, row.source, help])
            }
            table.lines(for: .standard).forEach { Output.standard.line($0) }
            Output.standard.line()
            for name in unknownVariables {
                Output.standard.line("\(Output.standard.styled("!", .yellow)) \(name) names no setting and is ignored")
            }
            for problem in problems {
                Output.standard.line("\(Output.standard.styled("✗", .boldRed)) \(problem)")
            }
            if problems.isEmpty {
                Output.standard.line("\(Output.standard.styled("✓", .boldGreen)) the configuration holds")
            }
        }
        if let first = problems.first {
            throw CommandFailure(
                .configuration,
                problems.count == 1
                    ? "the configuration does not hold: \(first)"
                    : "the configuration does not hold: \(problems.count) problems, the first: \(first)")
        }
    }

    /// Why `folder` cannot be served from; nil when it can.
    static func folderProblem(_ folder: String) -> String? {
        var isFolder: ObjCBool = false
        guard FileManager.default.fileExists(atPath: folder, isDirectory: &isFolder) else {
            return "the models folder '\(folder)' is not there; make it, or name another with --models"
        }
        guard isFolder.boolValue else { return "the models folder '\(folder)' is a file; name a folder with --models" }
        guard access(folder, R_OK | X_OK) == 0 else {
            return "the models folder '\(folder)' cannot be read: \(systemMessage())"
        }
        return nil
    }

    private static func systemMessage() -> String { String(cString: strerror(errno)) }
}
