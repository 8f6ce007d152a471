import ArgumentParser
import MartletCore

struct PingCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ping",
        abstract: "Ask a server whether it is there; for scripts and health checks.",
        discussion: """
            Exits 0 when the server answers, 69 when it cannot be reached. With --model also 69 when that model is \
            not ready, and 66 when there is none of that name.

            Examples:
              martlet ping
              martlet ping --address unix:/run/martlet.sock
              martlet ping --model guard:stable --timeout 2s
            """)

    @OptionGroup var connection: ConnectionOptions

    @Option(
        help: ArgumentHelp(
            "Also require this model to be ready: name, name@version or name:label.", valueName: "model"))
    var model: ModelReference?

    func run() async throws {
        let model = model
        let timeout = try connection.deadline()
        let begun = ContinuousClock.now
        let status = try await connection.withClient { client in
            try await client.ping()
            return if let model { try await client.model(model, timeout: timeout) } else { ModelStatus?.none }
        }
        let took = Quantity.time(begun.duration(to: .now))
        if let status, status.state != .ready {
            throw CommandFailure(.unavailable, "\(status.name)/\(status.version) is \(status.state.rawValue)")
        }
        let subject = status.map { "\($0.name)/\($0.version) is ready" } ?? "the server answers"
        Output.standard.line("\(subject) (\(took), connecting included)")
    }
}
