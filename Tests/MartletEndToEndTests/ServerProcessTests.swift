import Foundation
import MartletClient
import MartletConvert
import MartletCore
import MartletTestSupport
import Synchronization
import Testing

/// `martlet serve` in a process of its own, over tiny models.
final class ServerProcess: Sendable {
    let folder: URL
    private let process: Process
    let address: ServerAddress

    var models: URL { folder.appendingPathComponent("models") }
    var isRunning: Bool { process.isRunning }

    /// - Parameter prepare: puts models into the folder before the server starts.
    init(_ prepare: (URL) throws -> Void) async throws {
        folder = FileManager.default.temporaryDirectory.appendingPathComponent("martlet-\(UUID().uuidString)")
        let models = folder.appendingPathComponent("models")
        try FileManager.default.createDirectory(at: models, withIntermediateDirectories: true)
        try prepare(folder)
        process = Process()
        process.executableURL = CommandLineTests.binary
        let ready = folder.appendingPathComponent("ready")
        process.arguments = [
            "serve", "--models", models.path, "--listen", "127.0.0.1:0", "--ready-file", ready.path,
        ]
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        try process.run()
        var line: String?
        while line == nil {
            guard process.isRunning else { throw MartletError(.unavailable, "the server ended before it listened") }
            await Task.yield()
            line = (try? String(contentsOf: ready, encoding: .utf8))?.split(separator: "\n").first.map(String.init)
        }
        address = try #require(ServerAddress(parsing: line ?? ""))
    }

    func terminate() { process.terminate() }

    /// Waits for the end on a thread of its own.
    func exitStatus() async -> Int32 {
        await withCheckedContinuation { continuation in
            Thread.detachNewThread { [process] in
                process.waitUntilExit()
                continuation.resume(returning: process.terminationStatus)
            }
        }
    }

    var residentBytes: Int {
        let text = (try? String(contentsOfFile: "/proc/\(process.processIdentifier)/statm", encoding: .utf8)) ?? ""
        return (text.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0)
            * Int(sysconf(Int32(_SC_PAGESIZE)))
    }

    deinit {
        if process.isRunning { process.terminate() }
        try? FileManager.default.removeItem(at: folder)
    }

    /// Converts a tiny model into `<folder>/models/<name>/<version>`.
    static func convert(
        _ name: String, version: Int, seed: UInt64, in folder: URL, change: (inout TinyModelFolder) -> Void = { _ in }
    ) throws {
        var model = TinyModelFolder(seed: seed)
        change(&model)
        let source = folder.appendingPathComponent("source-\(name)-\(version)")
        try model.write(to: source)
        var options = ConvertOptions(name: name, version: version)
        options.force = true
        _ = try Converter(source: SourceFolder(source.path), options: options).run(
            into: folder.appendingPathComponent("models").path)
    }
}

@Suite("A server in its own process", .serialized)
struct ServerProcessTests {
    @Test("SIGTERM under load: no accepted call fails, later ones are refused, and the exit code is 0")
    func terminatesUnderLoad() async throws {
        let server = try await ServerProcess { try ServerProcess.convert("tiny", version: 1, seed: 1, in: $0) }
        let tally = Tally()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<4 {
                let client = try await MartletClient.connect(to: server.address)
                for _ in 0..<4 {
                    group.addTask {
                        let request = ClassifyRequest(
                            model: ModelReference(name: "tiny"), inputs: [TextInput("the good people of the world")])
                        while true {
                            do throws(MartletError) {
                                _ = try await client.classify(request)
                                tally.answered()
                            } catch {
                                tally.refused(error)
                                return
                            }
                        }
                    }
                }
            }
            while tally.answers < 200 { await Task.yield() }
            server.terminate()
            try await group.waitForAll()
        }
        #expect(tally.refusals.count == 16)
        #expect(tally.refusals.allSatisfy { $0.code == .unavailable }, "\(tally.refusals)")
        #expect(await server.exitStatus() == 0)
        let late = await #expect(throws: MartletError.self) { try await MartletClient.connect(to: server.address) }
        #expect(late?.code == .unavailable)
    }

    @Test("a version that was unloaded gives its memory back, 20 times over")
    func memoryReturns() async throws {
        let server = try await ServerProcess { folder in
            try ServerProcess.convert("tiny", version: 1, seed: 1, in: folder)
            // 5 MB of int8 weights, packed once more in memory.
            try ServerProcess.convert("big", version: 1, seed: 2, in: folder) {
                $0.hiddenSize = 256
                $0.heads = 8
                $0.layers = 6
                $0.intermediateSize = 1_024
            }
        }
        let client = try await MartletClient.connect(to: server.address)
        let place = server.models.appendingPathComponent("big/1"), aside = server.folder.appendingPathComponent("aside")
        let request = ClassifyRequest(model: ModelReference(name: "big"), inputs: [TextInput("the good people")])
        // Gone is more than not ready: a version that drains has its memory still.
        func reach(_ states: [VersionState]) async throws {
            while try await client.listModels().filter({ $0.name == "big" }).map(\.state) != states {
                await Task.yield()
            }
        }
        var without: [Int] = []
        for _ in 0..<20 {
            try await reach([.ready])
            _ = try await client.classify(request)
            try FileManager.default.moveItem(at: place, to: aside)
            try await reach([])
            without.append(server.residentBytes)
            try FileManager.default.moveItem(at: aside, to: place)
        }
        // The first cycles fill pools that stay; a version that stayed would add 10 MB each time.
        let growth = (without.last ?? 0) - without[4]
        #expect(growth < 4 << 20, "resident bytes without the model, cycle by cycle: \(without)")
        await client.close()
        server.terminate()
        #expect(await server.exitStatus() == 0)
    }
}

/// What callers saw.
private final class Tally: Sendable {
    private let state = Mutex((answers: 0, refusals: [MartletError]()))

    var answers: Int { state.withLock { $0.answers } }
    var refusals: [MartletError] { state.withLock { $0.refusals } }

    func answered() { state.withLock { $0.answers += 1 } }
    func refused(_ error: MartletError) { state.withLock { $0.refusals.append(error) } }
}
