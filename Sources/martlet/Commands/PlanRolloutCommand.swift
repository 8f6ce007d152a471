import ArgumentParser
import MartletCore

struct PlanRolloutCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "plan",
        abstract: "Show what a rollout would change; change nothing.",
        discussion: """
            The route as it is stands with '-', each step that would follow with '+'. Exits 0 when the rollout can \
            start, 65 with every reason when it cannot or the file is wrong.

            Examples:
              martlet rollout plan guard-8.yaml
              martlet rollout plan guard-8.yaml --json
            """)

    @Argument(help: "The rollout, a YAML or JSON file; - for standard input.", completion: .file())
    var file: String

    @OptionGroup var connection: ConnectionOptions

    @Flag(help: "Print JSON.")
    var json = false

    func run() async throws {
        let spec = try RolloutFile.read(file)
        let timeout = try connection.deadline()
        let plan = try await connection.withClient { try await $0.planRollout(spec, timeout: timeout) }
        if json {
            Output.standard.line(JSONText.pretty(AnswerJSON.Plan(plan)))
        } else {
            RolloutText.plan(plan, of: spec, output: .standard).forEach { Output.standard.line($0) }
        }
        if !plan.problems.isEmpty { throw CommandFailure(.data) }
    }
}
