import ArgumentParser
import MartletCore

struct RolloutStatusCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status",
        abstract: "List rollouts: those that go on, and the last one of each route.",
        discussion: """
            Examples:
              martlet rollout status
              martlet rollout status guard --json
            """)

    @OptionGroup var report: ModelReportOptions

    func run() async throws {
        let name = report.name
        let timeout = try report.connection.deadline()
        let rollouts = try await report.connection.withClient { try await $0.rollouts(named: name, timeout: timeout) }
        let output = Output.standard
        if report.json { return output.line(JSONText.pretty(rollouts.map(AnswerJSON.Rollout.init))) }
        if rollouts.isEmpty { return output.line("no rollouts") }
        RolloutText.table(rollouts, output: output).forEach { output.line($0) }
    }
}
