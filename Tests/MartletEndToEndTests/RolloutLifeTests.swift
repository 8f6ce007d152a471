import Foundation
import MartletClient
import MartletCore
import Testing

/// Rollouts from their file to their end: the built program on both sides, real models, real calls.
@Suite("A rollout on a running server", .timeLimit(.minutes(5)))
struct RolloutLifeTests {
    /// Only versions that a label, a rollout or an operator keeps are in memory.
    static let routed = "defaults: {versions: routed}\nmodels: {tiny: {labels: {latest: 1}}}\n"

    private static func serve(_ home: ServerFolder) async throws -> ServerProcess {
        let policy = try home.write("models.yaml", routed)
        return try await ServerProcess(on: home, ["--models-config", policy, "--state", home.state.path])
    }

    @Test("plan shows what would change and changes nothing; apply --watch goes through the steps to the end")
    func toTheEnd() async throws {
        let home = try ServerFolder(versions: 1, 2)
        let server = try await Self.serve(home)
        let file = try home.write(
            "rollout.yaml",
            "model: tiny\nversion: 2\nsteps: [{percent: 10%, bake: 100ms}, {percent: 100%, bake: 100ms}]\n")
        let before = try await server.run("models", "--json")
        let plan = try await server.run("rollout", "plan", file)
        #expect(plan.status == 0 && plan.errors.isEmpty, "\(plan.errors)")
        #expect(plan.lines.first == "tiny:latest goes from version 1 to version 2")
        #expect(plan.lines.dropFirst().first == "- now     100 % 1")
        for words in [
            "+ step 1  90 % 1, 10 % 2  for 100 ms", "+ step 2  100 % 2", "  version 2 is loaded first: ",
            "  back to 1 when more than 1 % of its calls fail", "  version 1 stays in memory for 1 h afterwards",
        ] {
            #expect(plan.lines.contains { $0.hasPrefix(words) }, "\(words) is not in\n\(plan.output)")
        }
        #expect(plan.lines.last == "✓ the rollout can start")
        #expect(try await server.run("models", "--json").output == before.output)
        #expect(try before.read([VersionReading].self).map(\.state) == ["ready", "discovered"])
        #expect(try await server.run("rollout", "status").output == "no rollouts\n")
        #expect(!FileManager.default.fileExists(atPath: home.state.path))

        let applied = try await server.run("rollout", "apply", file, "--watch")
        #expect(applied.status == 0 && applied.errors.isEmpty, "\(applied.errors)")
        // A watcher who is late is told where it is, and not where it was.
        let changes = [
            "loading version 2", "step 1 of 2: 10 %", "step 2 of 2: 100 %", "completed: version 2 has all calls",
        ].map { "tiny:latest 1 → 2  \($0)" }
        let told = Array(applied.lines.drop { $0 != changes.first })
        #expect(told.count >= 3 && told == changes.filter(told.contains), "\(applied.output)")
        #expect(told.last == changes.last)
        let client = try await server.connect()
        #expect(try await client.answer().0 == 2)
        // The old one is kept for a rollback.
        try await client.ready(1, 2)
        let again = try await server.run("rollout", "plan", file)
        #expect(again.status == 65 && again.lines.last == "✗ version 2 has all calls of latest already")
        let watched = try await server.run("rollout", "watch", "tiny")
        #expect(watched.status == 0 && watched.lines == applied.lines.suffix(1))
        await client.close()
        await server.stop()
    }

    @Test("promote takes each step at once, rollback gives the calls back and puts the version into quarantine")
    func byHand() async throws {
        let home = try ServerFolder(versions: 1, 2)
        let server = try await Self.serve(home)
        let client = try await server.connect()
        let file = try home.write(
            "rollout.yaml",
            "model: tiny\nversion: 2\n"
                + "steps: [{percent: 10%, bake: 1h}, {percent: 50%, bake: 1h}, {percent: 100%, bake: 1h}]\n")
        let applied = try await server.run("rollout", "apply", file)
        #expect(applied.status == 0 && applied.lines.last == "tiny:latest 1 → 2  loading version 2")
        async let watching = server.run("rollout", "watch", "tiny")
        try await client.rollout(of: "tiny") { $0.phase == .baking }

        // What the rollout owns, nobody else changes meanwhile.
        for (words, says) in [
            (["rollout", "apply", file], "a rollout of version 2 goes on"),
            (["models", "route", "tiny", "1"], "a rollout of version 2 owns the route"),
            (["models", "unload", "tiny@1"], "the rollout of label latest needs version 1"),
            (["models", "unload", "tiny@2"], "the rollout of label latest needs version 2"),
        ] {
            let refused = try await server.run(words)
            #expect(refused.status == 65 && (refused.output + refused.errors).contains(says), "\(words): \(refused)")
        }
        for (step, percent) in [(1, 50.0), (2, 100.0)] {
            let promoted = try await server.run("rollout", "promote", "tiny")
            #expect(promoted.output == "tiny:latest 1 → 2  step \(step + 1) of 3: \(Int(percent)) %\n")
            let status = try await server.run("rollout", "status", "--json").read([RolloutReading].self)
            #expect(
                status == [
                    RolloutReading(
                        model: "tiny", label: "latest", from: 1, to: 2, phase: "baking", step: step, steps: 3,
                        percent: percent, reason: "")
                ])
        }
        #expect(try await client.answer().0 == 2)
        let last = try await server.run("rollout", "promote", "tiny", "--json")
        #expect(try last.read(RolloutReading.self).phase == "completed")
        let watched = try await watching
        #expect(watched.status == 0 && watched.lines.last == "tiny:latest 1 → 2  completed: version 2 has all calls")
        #expect(try await server.run("rollout", "promote", "tiny").status == 65)

        let words = "tiny:latest 1 → 2  rolled back: by request: it hums\n"
        for _ in 1...2 {
            let back = try await server.run("rollout", "rollback", "tiny", "--reason", "it hums")
            #expect(back.status == 0 && back.output == words, "\(back)")
        }
        #expect(try await client.answer().0 == 1)
        try await Self.isInQuarantine(2, for: "rolled back: by request: it hums", server, file)
        let cleared = try await server.run("models", "clear", "tiny@2")
        #expect(cleared.output == "tiny@2 may be tried again; 'martlet models load tiny@2' does it now\n")
        let loaded = try await server.run("models", "load", "tiny@2", "--json")
        #expect(try loaded.read([VersionReading].self).map(\.state) == ["ready"])
        #expect(try await server.run("rollout", "plan", file).output.contains("  version 2 is in memory already\n"))
        for command in ["promote", "rollback", "watch"] {
            let absent = try await server.run("rollout", command, "tiny", "--route", "other")
            #expect(absent.status == 66, "\(absent)")
        }
        await client.close()
        await server.stop()
    }

    /// The version is shown, and refused everywhere, with the reason and the way out.
    static func isInQuarantine(
        _ version: Int, for reason: String, _ server: ServerProcess, _ file: String
    ) async throws {
        let versions = try await server.run("models", "tiny", "--json").read([VersionReading].self)
        let shown = versions.first { $0.version == version }
        #expect(shown?.quarantined == true && shown?.reason == reason, "\(String(describing: shown))")
        let table = try await server.run("models")
        #expect(table.output.contains(reason) && table.output.contains("'martlet models clear tiny@\(version)'"))
        for words in [["rollout", "plan", file], ["rollout", "apply", file]] {
            let refused = try await server.run(words)
            let problem = "✗ version \(version) is in quarantine: \(reason)"
            #expect(refused.status == 65 && refused.lines.contains { $0.hasPrefix(problem) }, "\(refused)")
        }
        for words in [["models", "load", "tiny@\(version)"], ["models", "route", "tiny", "spare", "\(version)"]] {
            let refused = try await server.run(words)
            #expect(refused.status == 65 && refused.errors.contains("is in quarantine: \(reason)"), "\(refused)")
        }
    }

    @Test("a shadow whose labels differ ends its rollout by itself: no caller saw it, and it is in quarantine")
    func disagreement() async throws {
        let home = try ServerFolder(versions: 1, 3)
        let server = try await Self.serve(home)
        let client = try await server.connect()
        let file = try home.write(
            "rollout.yaml",
            """
            model: tiny
            version: 3
            steps: [{percent: 50%, bake: 1h}, {percent: 100%, bake: 1h}]
            shadow: 100%
            rules: {errorRate: off, disagreement: 10%, minimumCalls: 20}
            """)
        let right = try await client.answer()
        async let applying = server.run("rollout", "apply", file, "--watch")
        let caller = SteadyCaller(client)
        let applied = try await applying
        try await caller.stop()
        #expect(caller.count >= 20 && caller.seen.map(\.version) == [1] && caller.seen.map(\.label) == [right.1])
        #expect(applied.status == 1, "\(applied)")
        #expect(applied.lines.contains("tiny:latest 1 → 3  shadow: copies of 100 % of the calls"))
        let reason = try #require(applied.lines.last?.split(separator: "rolled back: ").last.map(String.init))
        #expect(reason.hasPrefix("disagreement: of ") && reason.hasSuffix("differ is 1, and 0.1 is the limit"))
        #expect(applied.errors.contains("tiny:latest is back at version 1: \(reason)"))
        #expect(try await server.run("rollout", "watch", "tiny").status == 1)
        let status = try await server.run("rollout", "status", "--json").read([RolloutReading].self)
        #expect(status.map(\.phase) == ["rolled_back"] && status.map(\.reason) == [reason])
        #expect(await server.log.line(with: "warning", "tiny:latest rollout: rolled back to version 1: disagreement") != nil)
        try await Self.isInQuarantine(3, for: "rolled back: \(reason)", server, file)
        #expect(try await client.answer() == right)
        await client.close()
        await server.stop()
    }
}
