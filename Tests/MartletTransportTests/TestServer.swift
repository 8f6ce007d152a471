import Foundation
import MartletClient
import MartletCore
import MartletTransport
import Synchronization

/// A server with a fake engine on both kinds of socket, for the length of a test.
struct TestServer: Sendable {
    let server: MartletServer
    let handler: FakeHandler
    let rollouts: FakeRollouts
    let port: Int
    let path: String
    let notices: Notices

    final class Notices: Sendable {
        private let lines = Mutex<[String]>([])
        func add(_ notice: TransportNotice) { lines.withLock { $0.append(notice.description) } }
        var all: [String] { lines.withLock { $0 } }
    }

    var tcp: ServerAddress { .tcp(host: "127.0.0.1", port: port) }
    var unix: ServerAddress { .unix(path: path) }

    static func with<Result: Sendable>(
        limits: Limits = Limits(), compressesAnswers: Bool = false,
        _ body: @Sendable (TestServer) async throws -> Result
    ) async throws -> Result {
        let handler = FakeHandler()
        let rollouts = FakeRollouts()
        let notices = Notices()
        var options = MartletServer.Options(software: "martlet/test")
        options.compressesAnswers = compressesAnswers
        options.rollouts = rollouts
        options.notice = { notices.add($0) }
        let server = MartletServer(handler: handler, limits: limits, options: options)
        let path = FileManager.default.temporaryDirectory
            .appendingPathComponent("martlet-\(UUID().uuidString.prefix(8)).sock").path
        guard case .tcp(_, let port) = try await server.listen(on: .tcp(host: "127.0.0.1", port: 0)) else {
            throw MartletError(.internalError, "a TCP address came back as something else")
        }
        try await server.listen(on: .unix(path: path))
        let test = TestServer(
            server: server, handler: handler, rollouts: rollouts, port: port, path: path, notices: notices)
        do {
            let result = try await body(test)
            handler.release()
            await server.drain(within: .seconds(5))
            return result
        } catch {
            handler.release()
            await server.drain(within: .zero)
            throw error
        }
    }
}

func request(_ model: String, _ text: String = "hello") -> ClassifyRequest {
    ClassifyRequest(model: ModelReference(name: model), inputs: [TextInput(text)])
}

/// The error that `body` throws; nil when it throws none.
func failure(_ body: () async throws -> Void) async -> MartletError? {
    do {
        try await body()
        return nil
    } catch {
        return MartletError(wrapping: error, while: "testing")
    }
}
