import ArgumentParser
import MartletCore

struct ClearQuarantineCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "clear",
        abstract: "Let a quarantined version be tried again.",
        discussion: """
            A version that was refused, or that a rollout gave up, is not tried again while its files are the same: \
            'martlet models' shows it as quarantined, with the reason. Clearing it is for when the reason lay \
            elsewhere, such as in a disk that was full.

            Example:
              martlet models clear guard@8
            """)

    @Argument(help: "The version, such as guard@8.")
    var version: ModelReference

    @OptionGroup var connection: ConnectionOptions

    func validate() throws {
        if version.versionID == nil { throw ValidationError("Name one version, such as \(version.name)@8.") }
    }

    func run() async throws {
        guard let id = version.versionID else { return }
        let timeout = try connection.deadline()
        try await connection.withClient { try await $0.clearQuarantine(id, timeout: timeout) }
        Output.standard.line("\(version) may be tried again; 'martlet models load \(version)' does it now")
    }
}
