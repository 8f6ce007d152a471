import ArgumentParser
import MartletCore

struct ListRoutesCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "routes",
        abstract: "Show where labels lead, and how shadows compare.",
        discussion: """
            A shadow answers a copy of the calls. What is shown of it: on how many texts its first label is the \
            caller's (for vectors: a cosine of at least 0.99), how far scores moved, how long both took.

            Examples:
              martlet models routes
              martlet models routes guard --json
            """)

    @OptionGroup var report: ModelReportOptions

    func run() async throws {
        let name = report.name
        let timeout = try report.connection.deadline()
        let routes = try await report.connection.withClient { try await $0.routes(named: name, timeout: timeout) }
        let output = Output.standard
        if report.json { return output.line(JSONText.pretty(routes.map(AnswerJSON.RouteState.init))) }
        if routes.isEmpty { return output.line("no routes: calls get the highest ready version") }
        RouteText.lines(routes, output: output).forEach { output.line($0) }
    }
}
