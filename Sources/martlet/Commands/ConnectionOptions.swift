import ArgumentParser
import Foundation
import MartletClient
import MartletCore

/// How the commands that ask a server find it.
struct ConnectionOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "The server, without TLS: host:port or unix:/path (default: MARTLET_ADDRESS, else 127.0.0.1:8970).",
            valueName: "address"))
    var address: String?

    @Option(help: ArgumentHelp("Longest to wait for an answer, such as 500ms, 30s or 5min.", valueName: "time"))
    var timeout: String?

    func target() throws(CommandFailure) -> ServerAddress {
        let text = address ?? ProcessInfo.processInfo.environment["MARTLET_ADDRESS"] ?? "127.0.0.1:8970"
        guard let target = ServerAddress(parsing: text) else {
            throw CommandFailure(
                .usage, "'\(text)' is no address; write host:port, [ipv6]:port or unix:/path/to/socket")
        }
        return target
    }

    func deadline() throws(CommandFailure) -> Duration? {
        guard let timeout else { return nil }
        guard let duration = SettingValue.duration(timeout), duration > .zero else {
            throw CommandFailure(.usage, "--timeout '\(timeout)' must be a time such as 500ms, 30s or 5min")
        }
        return duration
    }

    /// Whoever connects closes.
    func connect() async throws(CommandFailure) -> MartletClient {
        let target = try target()
        do throws(MartletError) {
            return try await MartletClient.connect(to: target)
        } catch {
            guard error.code == .unavailable else { throw CommandFailure(error, while: "cannot connect to \(target)") }
            throw CommandFailure(
                .unavailable,
                "no server answers at \(target). Start one with 'martlet serve', or name another with --address")
        }
    }

    /// Connects, lets `body` call, and closes.
    func withClient<Result: Sendable>(
        _ body: @Sendable (MartletClient) async throws -> Result
    ) async throws -> Result {
        let client = try await connect()
        do {
            let result = try await body(client)
            await client.close()
            return result
        } catch {
            await client.close()
            throw error
        }
    }
}

/// A model as it is named on the command line.
extension ModelReference: ExpressibleByArgument {
    public init?(argument: String) { self.init(parsing: argument) }
}
