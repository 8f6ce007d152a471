import ArgumentParser
import MartletCore

struct WatchModelsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "watch",
        abstract: "Show what is served, and again after each change.",
        discussion: """
            Goes on until it is interrupted or the server leaves (exit 69). --json prints one line a change.

            Examples:
              martlet models watch
              martlet models watch guard --json
            """)

    @OptionGroup var report: ModelReportOptions

    func run() async throws {
        let name = report.name
        let json = report.json
        let timeout = try report.connection.deadline()
        try await report.connection.withClient { client in
            var isFirst = true
            for try await statuses in client.watchModels(named: name, timeout: timeout) {
                if json {
                    Output.standard.line(JSONText.line(statuses.map(AnswerJSON.Status.init)))
                } else {
                    if !isFirst { Output.standard.line() }
                    ModelTable.show(statuses, json: false)
                }
                isFirst = false
            }
        }
    }
}
