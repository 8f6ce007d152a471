import ArgumentParser
import MartletCore

struct UnloadModelCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "unload",
        abstract: "Take a model out of service until it is loaded again.",
        discussion: """
            Calls that the model has finish first; later ones are refused. Its files stay where they are. A server \
            that is started again serves the model again.

            Examples:
              martlet models unload guard
              martlet models unload guard --address unix:/run/martlet.sock
            """)

    @Argument(help: "The model.")
    var name: String

    @OptionGroup var connection: ConnectionOptions

    func run() async throws {
        let name = name
        let timeout = try connection.deadline()
        try await connection.withClient { try await $0.unloadModel(named: name, timeout: timeout) }
        Output.standard.line("\(name) is out of service; 'martlet models load \(name)' brings it back")
    }
}
