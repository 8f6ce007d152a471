import ArgumentParser
import MartletCore

struct LoadModelCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "load",
        abstract: "Serve a model again, or load one version of it.",
        discussion: """
            Loads what the model's policy wants of the versions in its folder, and waits until nothing is left to do. \
            With a version (guard@8) it loads that one whatever the policy wants, and keeps it until it is unloaded \
            the same way. Exits 65 with the reason when no version got ready, 66 when there is none, 75 when the \
            memory budget does not hold it. A --timeout ends the waiting, not the loading.

            Examples:
              martlet models load guard
              martlet models load guard@8 --timeout 5min
            """)

    @Argument(help: "The model, or one version of it: guard or guard@8.")
    var model: ModelReference

    @OptionGroup var connection: ConnectionOptions

    @Flag(help: "Print JSON.")
    var json = false

    func validate() throws { try model.requireNameOrVersion() }

    func run() async throws {
        let model = model
        let timeout = try connection.deadline()
        let progress = ProgressLine()
        progress.show("loading \(model) …")
        defer { progress.clear() }
        let statuses = try await connection.withClient { client in
            guard let id = model.versionID else {
                return try await client.loadModel(named: model.name, timeout: timeout)
            }
            return [try await client.loadVersion(id, timeout: timeout)]
        }
        progress.clear()
        ModelTable.show(statuses, json: json)
    }
}

extension ModelReference {
    /// Of a reference to one version; nil for others.
    var versionID: VersionID? {
        guard case .version(let number) = selector else { return nil }
        return VersionID(model: name, number: number)
    }

    /// - Throws: for a reference by a version label, where a command takes a model or one version of it.
    func requireNameOrVersion() throws {
        if case .label = selector {
            throw ValidationError("Name a model or a version, such as \(name) or \(name)@8; a label is neither.")
        }
    }
}
