import ArgumentParser
import MartletCore

struct UnloadModelCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "unload",
        abstract: "Take a model, or one version of it, out of service until it is loaded again.",
        discussion: """
            Calls that the model has finish first; later ones are refused. Its files stay where they are. One version \
            (guard@7) is taken out only when no route and no rollout needs it; otherwise the command says which does, \
            and exits 65.

            Examples:
              martlet models unload guard
              martlet models unload guard@7 --address unix:/run/martlet.sock
            """)

    @Argument(help: "The model, or one version of it: guard or guard@7.")
    var model: ModelReference

    @OptionGroup var connection: ConnectionOptions

    func validate() throws { try model.requireNameOrVersion() }

    func run() async throws {
        let model = model
        let timeout = try connection.deadline()
        try await connection.withClient { client in
            if let id = model.versionID {
                try await client.unloadVersion(id, timeout: timeout)
            } else {
                try await client.unloadModel(named: model.name, timeout: timeout)
            }
        }
        Output.standard.line("\(model) is out of service; 'martlet models load \(model)' brings it back")
    }
}
