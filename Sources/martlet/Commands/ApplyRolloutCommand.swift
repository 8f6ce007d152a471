import ArgumentParser
import MartletClient
import MartletCore

struct ApplyRolloutCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "apply",
        abstract: "Start a rollout.",
        discussion: """
            Plans first, and starts nothing when there is a problem (exit 65). With --watch it follows to the end: \
            exit 0 when the new version has all calls, 1 with the reason when it was rolled back, 65 when it could not \
            be loaded. Ending the command does not end the rollout: 'martlet rollout watch' follows it again, \
            'rollback' takes it back.

            Examples:
              martlet rollout apply guard-8.yaml
              martlet rollout apply guard-8.yaml --watch
            """)

    @Argument(help: "The rollout, a YAML or JSON file; - for standard input.", completion: .file())
    var file: String

    @Flag(help: "Follow it to its end.")
    var watch = false

    @OptionGroup var connection: ConnectionOptions

    @Flag(help: "Print JSON, a line for each change.")
    var json = false

    func run() async throws {
        let spec = try RolloutFile.read(file)
        let timeout = try connection.deadline()
        let (watch, json) = (watch, json)
        try await connection.withClient { client in
            let plan = try await client.planRollout(spec, timeout: timeout)
            guard plan.problems.isEmpty else {
                if json {
                    Output.standard.line(JSONText.line(AnswerJSON.Plan(plan)))
                } else {
                    RolloutText.plan(plan, of: spec, output: .standard).forEach { Output.standard.line($0) }
                }
                throw CommandFailure(.data)
            }
            if !json { RolloutText.plan(plan, of: spec, output: .standard).forEach { Output.standard.line($0) } }
            let status = try await client.startRollout(spec, timeout: timeout)
            let view = RolloutView(json: json)
            view.show(status)
            guard watch else { return }
            try await view.follow(client.watchRollouts(named: spec.model), label: spec.label, to: spec.version)
        }
    }
}
