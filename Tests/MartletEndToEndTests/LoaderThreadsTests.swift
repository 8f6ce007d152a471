import Foundation
import MartletCore
import Testing

/// A thread works when it stops waiting, which the kernel counts each time.
@Suite("The two threads that load", .timeLimit(.minutes(5)))
struct LoaderThreadsTests {
    @Test("a load that nobody waits for is done by the one that gives way; a plan and a rollback wait for neither")
    func threads() async throws {
        let home = try ServerFolder(versions: 1, 2)
        let policy = try home.write("models.yaml", RolloutLifeTests.routed)
        let server = try await ServerProcess(on: home, ["--models-config", policy])
        let client = try await server.connect()
        let file = try home.write(
            "rollout.yaml",
            "model: tiny\nversion: 2\nsteps: [{percent: 100%, bake: 100ms}]\nkeepOld: 0s\n")
        let begun = try await server.loaderWaits()

        // How much memory version 2 needs is read from its files.
        #expect(try await server.run("rollout", "plan", file).status == 0)
        let planned = try await server.loaderWaits()
        #expect(planned.behind == begun.behind && planned.awaited > begun.awaited, "\(begun) \(planned)")

        #expect(try await server.run("models", "load", "tiny@2").status == 0)
        let loaded = try await server.loaderWaits()
        #expect(loaded.behind > planned.behind, "\(planned) \(loaded)")

        #expect(try await server.run("rollout", "apply", file, "--watch").status == 0)
        try await client.ready(2)
        #expect(try await server.run("rollout", "rollback", "tiny").status == 0)
        #expect(try await client.answer().0 == 1)
        let back = try await server.loaderWaits()
        #expect(back.behind == loaded.behind && back.awaited > loaded.awaited, "\(loaded) \(back)")
        await client.close()
        await server.stop()
    }
}

extension ServerProcess {
    /// How often the thread at lowest priority and the one beside it have begun to wait. Returns once both do: one that
    /// answered may have its next wait before it.
    fileprivate func loaderWaits() async throws -> (behind: Int, awaited: Int) {
        while isRunning {
            let waits = try waitsOfLoaders()
            if let behind = waits[true], let awaited = waits[false] { return (behind, awaited) }
            await Task.yield()
        }
        throw MartletError(.unavailable, "the server left")
    }

    /// Of the threads that load and wait, by whether one has the lowest priority.
    private func waitsOfLoaders() throws -> [Bool: Int] {
        var waits: [Bool: Int] = [:]
        for thread in try FileManager.default.contentsOfDirectory(atPath: "\(procFolder)/task") {
            let folder = "\(procFolder)/task/\(thread)"
            // Other threads may end meanwhile.
            guard (try? text("\(folder)/comm")) == "martlet-loader\n" else { continue }
            // Fields of proc(5) from the 3rd on, the state behind the name in brackets; nice is the 19th.
            let fields = try text("\(folder)/stat").split(separator: ")").last?.split(separator: " ") ?? []
            guard fields.first == "S" else { continue }
            let line = try text("\(folder)/status").split(separator: "\n").first {
                $0.hasPrefix("voluntary_ctxt_switches:")
            }
            waits[fields.dropFirst(16).first == "19"] = Int(line?.split(separator: "\t").last ?? "")
        }
        return waits
    }

    private func text(_ path: String) throws -> String { try String(contentsOfFile: path, encoding: .utf8) }
}
