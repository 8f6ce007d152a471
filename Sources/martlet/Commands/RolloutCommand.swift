import ArgumentParser

struct RolloutCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rollout",
        abstract: "Move a model's calls to a new version, in steps that watch over themselves.",
        discussion: """
            One file says what is wanted. 'plan' shows what would change, 'apply' does it: the new version is loaded \
            and checked, gets a small share of the calls, and more with each step whose rules held for its time. When \
            a rule breaks, the old version has all calls again within seconds. 'promote' takes the next step at once, \
            'rollback' gives the calls back. A rollout goes on when the server is started again.

            A complete file, guard-8.yaml:

            \(RolloutFile.example.split(separator: "\n").map { "  " + $0 }.joined(separator: "\n"))

            Examples:
              martlet rollout plan guard-8.yaml
              martlet rollout apply guard-8.yaml --watch
              martlet rollout status
              martlet rollout promote guard
              martlet rollout rollback guard --reason "angry callers"
            """,
        subcommands: [
            PlanRolloutCommand.self, ApplyRolloutCommand.self, WatchRolloutCommand.self, PromoteRolloutCommand.self,
            RollbackCommand.self, RolloutStatusCommand.self,
        ])
}

/// Which route of a model is meant.
struct RouteOptions: ParsableArguments {
    @Argument(help: "The model.")
    var name: String

    @Option(help: ArgumentHelp("The route; latest is for calls that name the model alone.", valueName: "label"))
    var route = "latest"
}
