import Foundation
import MartletClient
import MartletCore
import Testing

@Suite("A server that dies in the middle of a rollout", .timeLimit(.minutes(5)))
struct RolloutRestartTests {
    @Test("kill -9 and a new process with the same --state: step, routes, wishes and quarantine are as they were")
    func killed() async throws {
        let home = try ServerFolder(versions: 1, 2, 3)
        let options = [
            "--models-config", try home.write("models.yaml", RolloutLifeTests.routed), "--state", home.state.path,
        ]
        let bad = try home.write("bad.yaml", "model: tiny\nversion: 3\nsteps: [{percent: 100%, bake: 1h}]\n")
        let good = try home.write(
            "good.yaml",
            "model: tiny\nversion: 2\nstickyKey: user\n"
                + "steps: [{percent: 10%, bake: 1h}, {percent: 50%, bake: 1h}, {percent: 100%, bake: 1h}]\n")
        let routes: String, rollouts: [RolloutReading], users: [Int]
        do {
            let server = try await ServerProcess(on: home, options)
            let client = try await server.connect()
            #expect(try await server.run("rollout", "apply", bad).status == 0)
            try await client.rollout(of: "tiny") { $0.phase == .baking }
            #expect(try await server.run("rollout", "rollback", "tiny", "--reason", "it hums").status == 0)
            #expect(try await server.run("models", "label", "tiny", "stable", "1").status == 0)
            #expect(try await server.run("rollout", "apply", good).status == 0)
            try await client.rollout(of: "tiny") { $0.phase == .baking }
            #expect(try await server.run("rollout", "promote", "tiny").status == 0)
            rollouts = try await server.run("rollout", "status", "--json").read([RolloutReading].self)
            routes = try await server.run("models", "routes", "--json").output
            users = try await Self.answersToUsers(client)
            server.send(SIGKILL)
            #expect(await server.exitStatus() == SIGKILL)
        }
        #expect(rollouts.map(\.phase) == ["baking"] && rollouts.map(\.step) == [1])
        #expect(Set(users) == [1, 2])

        let server = try await ServerProcess(on: home, options)
        let client = try await server.connect()
        #expect(try await server.run("rollout", "status", "--json").read([RolloutReading].self) == rollouts)
        #expect(try await server.run("models", "routes", "--json").output == routes)
        #expect(try await Self.answersToUsers(client) == users)
        #expect(try await client.answer(of: "tiny:stable").0 == 1)
        try await RolloutLifeTests.isInQuarantine(3, for: "rolled back: by request: it hums", server, bad)
        // It goes on from there, and can still be taken back.
        let promoted = try await server.run("rollout", "promote", "tiny")
        #expect(promoted.output == "tiny:latest 1 → 2  step 3 of 3: 100 %\n")
        let back = try await server.run("rollout", "rollback", "tiny")
        #expect(back.output == "tiny:latest 1 → 2  rolled back: by request\n")
        #expect(try await client.answer().0 == 1)
        await client.close()
        await server.stop()
    }

    /// Which version answers each of 32 users.
    private static func answersToUsers(_ client: MartletClient) async throws -> [Int] {
        var versions: [Int] = []
        for user in 0..<32 { versions.append(try await client.withMetadata(["user": "u\(user)"]).answer().0) }
        return versions
    }

    @Test("a state file that was torn stops the start in words, and moved away it starts without it")
    func torn() async throws {
        let home = try ServerFolder(versions: 1)
        let options = ["--state", home.state.path]
        do {
            let server = try await ServerProcess(on: home, options)
            #expect(try await server.run("models", "label", "tiny", "stable", "1").status == 0)
            await server.stop()
        }
        let file = home.state.appendingPathComponent("rollouts.state")
        let whole = try Data(contentsOf: file)
        try whole.dropLast(1).write(to: file)
        let words = ["serve", "--models", home.models.path, "--listen", "127.0.0.1:0"] + options
        let refused = try CommandLineTests.run(words)
        #expect(refused.status != 0 && refused.errors.contains("torn or edited"), "\(refused)")
        #expect(refused.errors.contains("Move it away to begin without it."))
        try FileManager.default.removeItem(at: file)
        let server = try await ServerProcess(on: home, options)
        #expect(try await server.run("models", "routes").output.contains("no routes"))
        await server.stop()
    }
}
