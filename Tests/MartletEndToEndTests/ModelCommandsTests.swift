import Foundation
import MartletCore
import Testing

@Suite("The commands that ask a server about its models and change them", .serialized)
struct ModelCommandsTests {
    private func withServer(_ body: ((String...) throws -> CommandLineTests.Outcome) throws -> Void) async throws {
        let server = try await ServerProcess(on: ServerFolder(versions: 1))
        let environment = ["MARTLET_ADDRESS": server.address.description]
        try body { (words: String...) in try CommandLineTests.run(words, environment: environment) }
        server.terminate()
        #expect(await server.exitStatus() == 0)
    }

    @Test("list, label, watch and stats show the version, and the label leads to it until it is removed")
    func reports() async throws {
        try await withServer { (run) throws in
            #expect(try run("models").output.contains("tiny"))
            #expect(try run("models", "tiny", "--json").output.contains("\"state\" : \"ready\""))
            #expect(try run("models", "label", "tiny", "stable", "1").output == "tiny:stable is tiny/1\n")
            #expect(try run("classify", "--model", "tiny:stable", "the good people").status == 0)
            #expect(try run("models", "label", "tiny", "stable", "--remove").output == "tiny:stable is gone\n")
            #expect(try run("classify", "--model", "tiny:stable", "the good people").status == 66)
            #expect(try run("models", "label", "tiny", "stable", "7").status != 0)
            #expect(try run("models", "stats").output.contains("tiny"))
            #expect(try run("models", "stats", "--json").output.contains("\"calls\" : 1"))
            let watch = try run("models", "watch", "--timeout", "500ms")
            #expect(watch.output.contains("tiny") && watch.status == 75)
        }
    }

    @Test("unload takes a model out of service, and load brings it back")
    func changes() async throws {
        try await withServer { (run) throws in
            #expect(try run("models", "unload", "tiny").status == 0)
            #expect(try run("classify", "--model", "tiny", "the good people").status != 0)
            #expect(try run("models", "load", "tiny").output.contains("ready"))
            #expect(try run("classify", "--model", "tiny", "the good people").status == 0)
            #expect(try run("models", "load", "absent").status == 66)
        }
    }

    @Test("tokenize shows the tokens of each text with their places")
    func tokenize() async throws {
        try await withServer { (run) throws in
            let lines = try run("tokenize", "--model", "tiny", "the good people", "the").output.split(separator: "\n")
            #expect(lines.first?.hasPrefix("0\t") == true && lines.last?.hasPrefix("1\t") == true)
            let bare = try run("tokenize", "--model", "tiny", "--no-special-tokens", "the").output
            #expect(bare.hasSuffix("\tthe\t0\t3\n"))
        }
    }
}
