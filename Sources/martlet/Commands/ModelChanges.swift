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

struct UnloadModelCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "unload",
        abstract: "Take a model out of service until it is loaded again.",
        discussion: """
            Calls that the model has finish first; later ones are refused. Its files stay where they are. A server \
            that is started again serves the model again.

            Examples:
              martlet models unload guard
              martlet models unload guard --address unix:/run/martlet.sock
            """)

    @Argument(help: "The model.")
    var name: String

    @OptionGroup var connection: ConnectionOptions

    func run() async throws {
        let name = name
        let timeout = try connection.deadline()
        try await connection.withClient { try await $0.unloadModel(named: name, timeout: timeout) }
        Output.standard.line("\(name) is out of service; 'martlet models load \(name)' brings it back")
    }
}

struct LabelModelCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "label",
        abstract: "Point a version label at a version, or take it away.",
        discussion: """
            Clients that ask for guard:stable then get that version, which must be ready. No call is lost meanwhile. A \
            version with a label stays loaded when a newer one comes. Labels last until the server ends; 'latest' is \
            always the newest ready version.

            Examples:
              martlet models label guard stable 3
              martlet models label guard canary --remove
            """)

    @Argument(help: "The model.")
    var name: String

    @Argument(help: "The version label, such as stable.")
    var label: String

    @Argument(help: "The version.")
    var version: Int?

    @Flag(help: "Take the label away.")
    var remove = false

    @OptionGroup var connection: ConnectionOptions

    func validate() throws {
        if remove == (version != nil) { throw ValidationError("Give a version, or --remove.") }
        if let version, version < 1 { throw ValidationError("A version is a number from 1.") }
    }

    func run() async throws {
        let (name, label, version) = (name, label, version)
        let timeout = try connection.deadline()
        try await connection.withClient { try await $0.setLabel(label, of: name, to: version, timeout: timeout) }
        Output.standard.line(version.map { "\(name):\(label) is \(name)/\($0)" } ?? "\(name):\(label) is gone")
    }
}
