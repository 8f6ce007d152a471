import ArgumentParser
import MartletCore

struct LoadModelCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "load",
        abstract: "Serve a model again, and look at its folder now.",
        discussion: """
            Loads what the model's policy wants of the versions in its folder, and waits until nothing is left to do. \
            Exits 65 with the reason when no version got ready, 66 when there is none. A --timeout ends the waiting, \
            not the loading.

            Examples:
              martlet models load guard
              martlet models load guard --timeout 5min
            """)

    @Argument(help: "The model.")
    var name: String

    @OptionGroup var connection: ConnectionOptions

    @Flag(help: "Print JSON.")
    var json = false

    func run() async throws {
        let name = name
        let timeout = try connection.deadline()
        let progress = ProgressLine()
        progress.show("loading \(name) …")
        defer { progress.clear() }
        let statuses = try await connection.withClient { try await $0.loadModel(named: name, timeout: timeout) }
        progress.clear()
        ModelTable.show(statuses, json: json)
    }
}
