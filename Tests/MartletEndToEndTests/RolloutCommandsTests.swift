import Foundation
import MartletCore
import MartletServing
import MartletTestSupport
import MartletTransport
import Testing

/// What the commands show of a server's answers, and how they end. The server's own part is tested where it is.
@Suite("The commands of a model's owner", .timeLimit(.minutes(5)))
struct RolloutCommandsTests {
    private static func withServer(
        _ rollouts: ScriptedRollouts = ScriptedRollouts(),
        _ body: (URL, (String...) throws -> CommandLineTests.Outcome) throws -> Void
    ) async throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("martlet-\(UUID().uuidString)")
        let models = folder.appendingPathComponent("models")
        try FileManager.default.createDirectory(at: models, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let engine = try await InferenceServer.start(EngineConfiguration(modelsFolder: models.path)) { _ in }
        var options = MartletServer.Options(software: "martlet/test")
        options.rollouts = rollouts
        let server = MartletServer(handler: engine, limits: Limits(), options: options)
        let address = try await server.listen(on: .tcp(host: "127.0.0.1", port: 0))
        let file = folder.appendingPathComponent("rollout.yaml")
        try Data("model: tiny\nversion: 2\nsteps: [{percent: 1%, bake: 1m}, {percent: 100%, bake: 1m}]\n".utf8)
            .write(to: file)
        let result = Result {
            try body(file) { (words: String...) in
                try CommandLineTests.run(words, environment: ["MARTLET_ADDRESS": address.description])
            }
        }
        await server.drain(within: .zero)
        await engine.shutdown()
        try result.get()
    }

    @Test("plan shows the difference and ends well; with problems it names them and exits 65")
    func plan() async throws {
        try await Self.withServer { (file, run) throws in
            let plan = try run("rollout", "plan", file.path)
            #expect(plan.status == 0)
            #expect(plan.output.contains("+ step 1  99 % 1, 1 % 2"))
            #expect(try run("rollout", "plan", file.path, "--json").output.contains("\"from\" : 1"))
        }
        var blocked = ScriptedRollouts()
        blocked.plan.problems = ["version 2 is quarantined"]
        try await Self.withServer(blocked) { (file, run) throws in
            for command in ["plan", "apply"] {
                let outcome = try run("rollout", command, file.path)
                #expect(outcome.status == 65 && outcome.output.contains("✗ version 2 is quarantined"))
            }
        }
    }

    @Test("apply follows a rollout to its end, a line for each change, and says by its exit code how it ended")
    func apply() async throws {
        var rollouts = ScriptedRollouts()
        rollouts.watched = [
            ScriptedRollouts.status(.baking, step: 0, percent: 1),
            ScriptedRollouts.status(.baking, step: 0, percent: 1),
            ScriptedRollouts.status(.completed, step: 1, percent: 100),
        ]
        try await Self.withServer(rollouts) { (file, run) throws in
            let outcome = try run("rollout", "apply", file.path, "--watch")
            #expect(outcome.status == 0 && outcome.errors == "")
            #expect(
                outcome.output.split(separator: "\n").suffix(3) == [
                    "tiny:latest 1 → 2  loading version 2", "tiny:latest 1 → 2  step 1 of 2: 1 %",
                    "tiny:latest 1 → 2  completed: version 2 has all calls",
                ])
            let lines = try run("rollout", "watch", "tiny", "--json").output.split(separator: "\n")
            #expect(lines.count == 2 && lines.last?.contains("\"phase\":\"completed\"") == true)
            #expect(try run("rollout", "watch", "tiny", "--route", "other").status == 66)
            #expect(try run("rollout", "apply", file.path).status == 0)
        }
        for (phase, status) in [(RolloutStatus.Phase.rolledBack, Int32(1)), (.failed, 65)] {
            rollouts.watched = [ScriptedRollouts.status(phase, reason: "too many calls failed")]
            try await Self.withServer(rollouts) { (file, run) throws in
                let outcome = try run("rollout", "apply", file.path, "--watch")
                #expect(outcome.status == status)
                #expect(outcome.errors.contains("too many calls failed"))
            }
        }
    }

    @Test("status, promote and rollback say how the rollout is")
    func others() async throws {
        var rollouts = ScriptedRollouts()
        rollouts.watched = [ScriptedRollouts.status(.baking, step: 0, percent: 1)]
        try await Self.withServer(rollouts) { (_, run) throws in
            #expect(try run("rollout", "status").output.contains("step 1 of 2"))
            #expect(try run("rollout", "status", "--json").output.contains("\"phase\" : \"baking\""))
            #expect(try run("rollout", "promote", "tiny").output == "tiny:latest 1 → 2  step 2 of 2: 100 %\n")
            let back = try run("rollout", "rollback", "tiny", "--reason", "it hums")
            #expect(back.output == "tiny:latest 1 → 2  rolled back: it hums\n" && back.status == 0)
        }
        try await Self.withServer { (_, run) throws in
            #expect(try run("rollout", "status").output == "no rollouts\n")
            #expect(try run("rollout", "watch", "tiny").status == 66)
        }
    }

    @Test("versions and routes are changed and shown")
    func routes() async throws {
        try await Self.withServer { (_, run) throws in
            #expect(try run("models", "load", "tiny@2").output.contains("ready"))
            #expect(try run("models", "load", "tiny@3").status == 66)
            let needed = try run("models", "unload", "tiny@1")
            #expect(needed.status == 65 && needed.errors.contains("needed by the route latest"))
            #expect(try run("models", "clear", "tiny@2").status == 0)
            #expect(
                try run("models", "route", "tiny", "1=9", "2=1", "--sticky-key", "User", "--shadow", "3=5%").output
                    == "tiny:latest is 90 % 1, 10 % 2 by user; 5 % also to 3\n")
            #expect(
                try run("models", "route", "tiny", "canary", "--remove").output == "tiny:canary has no route\n")
            let routes = try run("models", "routes").output
            #expect(routes.contains("tiny:latest  100 % 1; 5 % also to 2") && routes.contains("90 % of 10 texts"))
            #expect(try run("models", "routes", "--json").output.contains("\"agreed\" : 9"))
        }
    }

    @Test("publish sends a checked version to the server")
    func publish() async throws {
        try await Self.withServer { (file, run) throws in
            let source = file.deletingLastPathComponent().appendingPathComponent("source")
            try TinyModelFolder(seed: 1).write(to: source)
            let build = file.deletingLastPathComponent().appendingPathComponent("build").path
            let made = try run(
                "convert", source.path, "--name", "tiny", "--version", "1", "--models", build, "--precision", "float32")
            try #require(made.status == 0, "\(made.errors)")
            let published = try run("publish", "\(build)/tiny/1")
            #expect(published.status == 0, "\(published.errors)")
            #expect(published.output.contains("tiny/1 published at 127.0.0.1:"))
            #expect(published.output.contains("digest  abcdef"))
            #expect(try run("publish", "\(build)/tiny/1", "--json").output.contains("\"held_bytes\" : 0"))
        }
    }
}
