import Foundation
import MartletClient
import MartletCore
import Testing

/// Single versions and routes as their owner changes them while callers call.
@Suite("Routes and versions on a running server", .timeLimit(.minutes(5)))
struct RouteLifeTests {
    private static func serve(_ home: ServerFolder) async throws -> ServerProcess {
        try await ServerProcess(on: home, ["--models-config", home.write("models.yaml", RolloutLifeTests.routed)])
    }

    @Test("a split by a key, a label and a shadow are set, shown and taken away by commands")
    func routes() async throws {
        let home = try ServerFolder(versions: 1, 2, 3)
        let server = try await Self.serve(home)
        let client = try await server.connect()
        let early = try await server.run("models", "route", "tiny", "2")
        #expect(early.status == 65 && early.errors.contains("tiny/2 is discovered; a label needs a ready version"))
        for version in [2, 3] { #expect(try await server.run("models", "load", "tiny@\(version)").status == 0) }
        try await client.ready(1, 2, 3)

        let split = try await server.run("models", "route", "tiny", "1=1", "2=1", "--sticky-key", "User")
        #expect(split.output == "tiny:latest is 50 % 1, 50 % 2 by user\n")
        var versions: [Int] = []
        for user in 0..<24 {
            let named = client.withMetadata(["user": "u\(user)"])
            let first = try await named.answer().0
            #expect(try await named.answer().0 == first)
            versions.append(first)
        }
        #expect(Set(versions) == [1, 2])

        #expect(try await server.run("models", "route", "tiny", "canary", "2").output == "tiny:canary is 100 % 2\n")
        #expect(try await client.answer(of: "tiny:canary").0 == 2)
        let needed = try await server.run("models", "unload", "tiny@2")
        #expect(needed.status == 65 && needed.errors.contains("label canary leads to version 2"))
        #expect(
            try await server.run("models", "route", "tiny", "1", "--shadow", "3=100%").output
                == "tiny:latest is 100 % 1; 100 % also to 3\n")
        for _ in 0..<5 { #expect(try await client.answer().0 == 1) }
        // Copies are answered after their callers.
        while try await client.routes(named: "tiny").compactMap(\.comparison).first?.texts != 5 { await Task.yield() }
        let shown = try await server.run("models", "routes")
        #expect(shown.lines.contains("tiny:canary  100 % 2"), "\(shown.output)")
        #expect(shown.lines.contains("tiny:latest  100 % 1; 100 % also to 3"))
        #expect(shown.lines.contains("  same label  0 % of 5 texts"))
        #expect(try await server.run("models", "routes", "--json").output.contains("\"agreed\" : 0"))

        #expect(
            try await server.run("models", "route", "tiny", "canary", "--remove").output
                == "tiny:canary has no route\n")
        #expect(try await server.run("classify", "--model", "tiny:canary", "the good people").status == 66)
        #expect(
            try await server.run("models", "unload", "tiny@2").output
                == "tiny@2 is out of service; 'martlet models load tiny@2' brings it back\n")
        try await client.ready(1, 3)
        let gone = try await server.run("classify", "--model", "tiny@2", "the good people")
        #expect(gone.status != 0 && gone.errors.contains("unloaded by request"), "\(gone)")
        #expect(try await server.run("models", "clear", "tiny@2").status == 0)
        #expect(try await server.run("models", "clear", "tiny@9").status == 66)
        #expect(try await server.run("models", "load", "tiny@9").status == 66)
        await client.close()
        await server.stop()
    }

    @Test("a version published to the server under calls takes over, and no call fails")
    func publish() async throws {
        let home = try ServerFolder(versions: 1)
        let version = try home.convert("tiny", version: 2, into: "build")
        let server = try await ServerProcess(on: home)
        let client = try await server.connect()
        let caller = SteadyCaller(client)
        try await caller.isAnswered(by: 1)
        let published = try await server.run("publish", version)
        #expect(published.status == 0 && published.errors.isEmpty, "\(published)")
        #expect(published.output.contains("tiny/2 published at \(server.address), "))
        try await caller.isAnswered(by: 2)
        try await caller.stop()
        #expect(caller.seen.map(\.version) == [1, 2])
        try await client.ready(2)

        let again = try await server.run("publish", version)
        #expect(again.status == 0 && again.output.contains("tiny/2 is at \(server.address) already, with these bytes"))
        let other = try home.convert("tiny", version: 2, into: "other") { $0.seed = 2 }
        let refused = try await server.run("publish", other)
        #expect(refused.status == 73 && refused.errors.contains("versions never change"), "\(refused)")
        try Data("{}".utf8).write(to: URL(fileURLWithPath: other).appendingPathComponent("golden.json"))
        #expect(try await server.run("publish", other).status == 1)
        #expect(try await client.answer().0 == 2)
        await client.close()
        await server.stop()
    }

    @Test("a version that the server does not want waits for its rollout after it was published")
    func publishForRollout() async throws {
        let home = try ServerFolder(versions: 1)
        let version = try home.convert("tiny", version: 2, into: "build")
        let server = try await Self.serve(home)
        let file = try home.write("rollout.yaml", "model: tiny\nversion: 2\nsteps: [{percent: 100%, bake: 0s}]\n")
        let missing = try await server.run("rollout", "plan", file)
        #expect(missing.status == 65 && missing.output.contains("✗ there is no version 2 of model tiny"))
        #expect(try await server.run("publish", version).status == 0)
        let versions = try await server.run("models", "tiny", "--json").read([VersionReading].self)
        #expect(versions.map(\.state) == ["ready", "discovered"])
        let applied = try await server.run("rollout", "apply", file, "--watch")
        #expect(applied.status == 0, "\(applied)")
        let client = try await server.connect()
        #expect(try await client.answer().0 == 2)
        await client.close()
        await server.stop()
    }
}
