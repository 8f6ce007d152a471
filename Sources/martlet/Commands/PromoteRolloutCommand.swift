import ArgumentParser
import MartletCore

struct PromoteRolloutCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "promote",
        abstract: "Take a rollout's next step now.",
        discussion: """
            Whatever is left of the bake time is left out; the rules go on. Promoting the last step completes the \
            rollout.

            Examples:
              martlet rollout promote guard
              martlet rollout promote guard --route stable
            """)

    @OptionGroup var route: RouteOptions

    @OptionGroup var connection: ConnectionOptions

    @Flag(help: "Print JSON.")
    var json = false

    func run() async throws {
        let (name, label) = (route.name, route.route)
        let timeout = try connection.deadline()
        let status = try await connection.withClient {
            try await $0.promoteRollout(label: label, of: name, timeout: timeout)
        }
        Output.standard.line(json ? JSONText.pretty(AnswerJSON.Rollout(status)) : RolloutText.line(status))
    }
}
