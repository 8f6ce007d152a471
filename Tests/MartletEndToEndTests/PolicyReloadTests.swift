import Foundation
import MartletClient
import MartletCore
import Testing

@Suite("The models file of a running server", .timeLimit(.minutes(5)))
struct PolicyReloadTests {
    @Test("a changed file loads and unloads versions on SIGHUP and by itself; a broken one changes nothing and is told")
    func reload() async throws {
        let home = try ServerFolder(versions: 1, 2, 3)
        func policy(_ text: String) throws -> String { try home.write("models.yaml", text) }
        let file = try policy("models: {tiny: {versions: [1]}}\n")
        let server = try await ServerProcess(on: home, ["--models-config", file])
        let client = try await server.connect()
        try await client.ready(1)

        _ = try policy("models: {tiny: {versions: [1, 2], labels: {stable: 1}}}\n")
        server.send(SIGHUP)
        try await client.ready(1, 2)
        #expect(await server.log.line(with: "info", "modelsConfig changed, and holds from now on") != nil)
        #expect(try await client.answer(of: "tiny:stable").0 == 1)
        // The file is followed: nobody has to say so.
        _ = try policy("models: {tiny: {versions: [3]}}\n")
        try await client.ready(3)
        #expect(try await client.answer().0 == 3)

        for (text, says) in [
            ("models: {tiny: {versoins: all}}\n", "models.tiny.versoins is no key"),
            ("models: {tiny: {order: sideways}}\n", "models.tiny.order is 'sideways' and must be availability"),
            ("memory: lots\n", "memory is 'lots' and must be"),
            ("models: {tiny: {versions: [0]}}\n", "models.tiny.versions is '0' and must be latest"),
            ("models: {tiny: {labels: {stable: none}}}\n", "models.tiny.labels.stable is 'none'"),
            ("models: [\n", "is not YAML or JSON"),
        ] {
            _ = try policy(text)
            server.send(SIGHUP)
            let told = await server.log.line(with: "warning", "the new modelsConfig is not taken", says)
            #expect(told != nil, "\(says) is not in \(server.log.lines)")
        }
        try FileManager.default.removeItem(atPath: file)
        server.send(SIGHUP)
        #expect(await server.log.line(with: "the new modelsConfig is not taken", "No such file or directory") != nil)
        try await client.ready(3)
        #expect(try await client.answer().0 == 3)

        _ = try policy("models: {tiny: {versions: all, labels: {latest: 2}}}\n")
        server.send(SIGHUP)
        try await client.ready(1, 2, 3)
        #expect(try await client.answer().0 == 2)
        await client.close()
        await server.stop()
    }

    @Test("a server without a models file says on SIGHUP that there is nothing to read, and goes on")
    func withoutFile() async throws {
        let server = try await ServerProcess(on: ServerFolder(versions: 1))
        server.send(SIGHUP)
        #expect(await server.log.line(with: "SIGHUP: nothing to read again") != nil)
        let client = try await server.connect()
        #expect(try await client.answer().0 == 1)
        await client.close()
        await server.stop()
    }
}
