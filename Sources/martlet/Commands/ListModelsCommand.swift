import ArgumentParser
import MartletCore

struct ListModelsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "List the models with the state of each version.",
        discussion: """
            Examples:
              martlet models list
              martlet models list guard --json
            """)

    @OptionGroup var report: ModelReportOptions

    func run() async throws {
        let name = report.name
        let timeout = try report.connection.deadline()
        let statuses = try await report.connection.withClient { try await $0.listModels(named: name, timeout: timeout) }
        ModelTable.show(statuses, json: report.json)
    }
}
