import ArgumentParser
import MartletCore

struct WatchRolloutCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "watch",
        abstract: "Follow a rollout to its end.",
        discussion: """
            On a terminal a line shows where it is, how much time is left and how each rule stands; every change is \
            kept above it. Elsewhere it prints one line a change, with --json one object. Exits 0 when the new version \
            has all calls, 1 with the reason when it was rolled back, 65 when it could not be loaded, 66 when there is \
            no rollout.

            Examples:
              martlet rollout watch guard
              martlet rollout watch guard --route stable --json
            """)

    @OptionGroup var route: RouteOptions

    @OptionGroup var connection: ConnectionOptions

    @Flag(help: "Print JSON, a line for each change.")
    var json = false

    func run() async throws {
        let (name, label, json) = (route.name, route.route, json)
        let timeout = try connection.deadline()
        try await connection.withClient { client in
            try await RolloutView(json: json).follow(
                client.watchRollouts(named: name, timeout: timeout), label: label, to: nil)
        }
    }
}
