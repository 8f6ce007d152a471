import ArgumentParser
import MartletCore

struct SetRouteCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "route",
        abstract: "Say which version, or which share of several, a label's calls get.",
        discussion: """
            Without a label it is about the calls that name the model alone ('latest'). The change is one step: a call \
            gets the old route or the new one, and none is lost. Every version must be ready. Use 'martlet rollout' to \
            move calls in steps that watch over themselves.

            With --sticky-key the same value of that header (gRPC or native metadata) always gets the same version. A \
            --shadow version answers a copy of the calls; 'martlet models routes' shows how its answers differ.

            Examples:
              martlet models route guard 8
              martlet models route guard stable 7
              martlet models route guard 7=90 8=10 --sticky-key user
              martlet models route guard 7 --shadow 8=5%
              martlet models route guard canary --remove
            """)

    @Argument(help: "The model.")
    var name: String

    @Argument(
        help: ArgumentHelp(
            "The label (default: latest); then a version, or versions with their weights: 7=90 8=10.",
            valueName: "label-and-versions"))
    var words: [String] = []

    @Option(help: ArgumentHelp("The header whose value decides the version.", valueName: "name"))
    var stickyKey: String?

    @Option(
        help: ArgumentHelp("A version that answers a share of the calls too, as in 8=5%.", valueName: "version=share"))
    var shadow: String?

    @Flag(help: "Take the route away: 'latest' is then the highest ready version, another label is gone.")
    var remove = false

    @OptionGroup var connection: ConnectionOptions

    func run() async throws {
        let words = try RouteWords(parsing: words)
        if remove == !words.targets.isEmpty {
            throw CommandFailure(.usage, remove ? "--remove takes no version" : "give a version, or --remove")
        }
        if remove, stickyKey != nil || shadow != nil {
            throw CommandFailure(.usage, "--remove goes with neither --sticky-key nor --shadow")
        }
        var route: ModelRoute?
        if !remove {
            route = ModelRoute(
                targets: words.targets, stickyKey: stickyKey?.lowercased() ?? "",
                shadow: try shadow.map(RouteWords.shadow))
        }
        let (name, label, wanted) = (name, words.label, route)
        let timeout = try connection.deadline()
        try await connection.withClient {
            try await $0.setRoute(wanted, label: label, of: name, timeout: timeout)
        }
        Output.standard.line(
            wanted.map { "\(name):\(label) is \(RolloutText.route($0))" } ?? "\(name):\(label) has no route")
    }
}
