import Foundation
import MartletClient
import MartletCore
import Synchronization
import Testing

@Suite("A server in its own process", .serialized)
struct ServerProcessTests {
    @Test("SIGTERM under load: no accepted call fails, later ones are refused, and the exit code is 0")
    func terminatesUnderLoad() async throws {
        let server = try await ServerProcess(on: ServerFolder(versions: 1))
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
        let home = try ServerFolder(versions: 1)
        // 5 MB of int8 weights, packed once more in memory.
        try home.convert("big", version: 1) {
            $0.hiddenSize = 256
            $0.heads = 8
            $0.layers = 6
            $0.intermediateSize = 1_024
        }
        let server = try await ServerProcess(on: home)
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
