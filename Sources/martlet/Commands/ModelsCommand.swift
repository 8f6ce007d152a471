import ArgumentParser
import MartletCore

struct ModelsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "models",
        abstract: "List the models a server has, with the state of each version.",
        discussion: """
            A version is 'ready' when it answers, and 'failed' with its reason when it was refused; the others are on \
            their way in or out.

            Examples:
              martlet models
              martlet models guard --address unix:/run/martlet.sock
              martlet models --json
            """)

    @Argument(help: "Only this model.")
    var name: String?

    @OptionGroup var connection: ConnectionOptions

    @Flag(help: "Print JSON.")
    var json = false

    func run() async throws {
        let name = name
        let timeout = try connection.deadline()
        let statuses = try await connection.withClient { try await $0.listModels(named: name, timeout: timeout) }
        if json {
            Output.standard.line(JSONText.pretty(statuses.map(AnswerJSON.Status.init)))
        } else if statuses.isEmpty {
            Output.standard.line("the server has no models")
        } else {
            ModelTable.lines(statuses, output: .standard).forEach { Output.standard.line($0) }
        }
    }
}
