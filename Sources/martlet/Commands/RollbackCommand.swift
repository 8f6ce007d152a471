import ArgumentParser
import MartletCore

struct RollbackCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rollback",
        abstract: "Give a route's calls back to the version that had them before.",
        discussion: """
            At once while the old version is in memory, which it is during a rollout and for its keepOld time \
            afterwards; later it is loaded first. The new version is quarantined: it is not tried again until its \
            files change or 'martlet models clear' lets it.

            Examples:
              martlet rollout rollback guard
              martlet rollout rollback guard --route stable --reason "angry callers"
            """)

    @OptionGroup var route: RouteOptions

    @Option(help: ArgumentHelp("Why, for those who read the rollout's status later.", valueName: "text"))
    var reason = ""

    @OptionGroup var connection: ConnectionOptions

    @Flag(help: "Print JSON.")
    var json = false

    func run() async throws {
        let (name, label, reason) = (route.name, route.route, reason)
        let timeout = try connection.deadline()
        let status = try await connection.withClient {
            try await $0.rollback(label: label, of: name, reason: reason, timeout: timeout)
        }
        Output.standard.line(json ? JSONText.pretty(AnswerJSON.Rollout(status)) : RolloutText.line(status))
    }
}
