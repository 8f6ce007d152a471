import ArgumentParser
import MartletCore

struct LabelModelCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "label",
        abstract: "Point a version label at a version, or take it away.",
        discussion: """
            Clients that ask for guard:stable then get that version, which must be ready. No call is lost meanwhile. A \
            version with a label stays loaded when a newer one comes. Labels survive the server. 'latest' is for calls \
            that name the model alone; while nothing sets it, they get the newest ready version.

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
