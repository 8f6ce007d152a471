import Foundation
import MartletClient
import MartletCore
import Testing

/// `martlet serve` in a process of its own, over tiny models.
final class ServerProcess: Sendable {
    let home: ServerFolder
    let log = ServerLog()
    private let process: Process
    let address: ServerAddress

    var folder: URL { home.url }
    var models: URL { home.models }
    var isRunning: Bool { process.isRunning }

    /// Returns once it answers.
    /// - Parameter options: further ones of `martlet serve`.
    init(on home: ServerFolder, _ options: [String] = []) async throws {
        self.home = home
        process = Process()
        process.executableURL = CommandLineTests.binary
        // Another life of a server in this folder may have left its own.
        let ready = home.url.appendingPathComponent("ready-\(UUID().uuidString)")
        process.arguments =
            ["serve", "--models", home.models.path, "--listen", "127.0.0.1:0", "--ready-file", ready.path] + options
        process.standardOutput = FileHandle.nullDevice
        let errors = Pipe()
        process.standardError = errors
        try process.run()
        log.read(errors.fileHandleForReading)
        var line: String?
        while line == nil {
            guard process.isRunning else {
                throw MartletError(.unavailable, "the server ended before it listened: \(log.lines.suffix(3))")
            }
            await Task.yield()
            line = (try? String(contentsOf: ready, encoding: .utf8))?.split(separator: "\n").first.map(String.init)
        }
        address = try #require(ServerAddress(parsing: line ?? ""))
    }

    func connect() async throws -> MartletClient { try await MartletClient.connect(to: address) }

    /// Runs `martlet` against the server. On a thread of its own: the test goes on meanwhile.
    func run(_ words: String...) async throws -> CommandLineTests.Outcome { try await run(words) }

    func run(_ words: [String]) async throws -> CommandLineTests.Outcome {
        let environment = ["MARTLET_ADDRESS": address.description]
        return try await withCheckedThrowingContinuation { continuation in
            Thread.detachNewThread {
                continuation.resume(with: Result { try CommandLineTests.run(words, environment: environment) })
            }
        }
    }

    func terminate() { process.terminate() }

    func send(_ signal: Int32) { kill(process.processIdentifier, signal) }

    /// Waits for the end on a thread of its own.
    /// - Returns: the exit code, or the signal that ended it.
    @discardableResult
    func exitStatus() async -> Int32 {
        await withCheckedContinuation { continuation in
            Thread.detachNewThread { [process] in
                process.waitUntilExit()
                continuation.resume(returning: process.terminationStatus)
            }
        }
    }

    /// As an owner ends it, which must work at the end of every test.
    func stop() async {
        terminate()
        #expect(await exitStatus() == 0)
    }

    /// What proc(5) says of it.
    var procFolder: String { "/proc/\(process.processIdentifier)" }

    var residentBytes: Int {
        let text = (try? String(contentsOfFile: "\(procFolder)/statm", encoding: .utf8)) ?? ""
        return (text.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0)
            * Int(sysconf(Int32(_SC_PAGESIZE)))
    }

    deinit {
        // Not by a request: a test that failed may have left it in any state.
        if process.isRunning { kill(process.processIdentifier, SIGKILL) }
    }
}
