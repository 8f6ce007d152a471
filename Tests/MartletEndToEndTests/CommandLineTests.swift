import Foundation
import MartletTestSupport
import Testing

/// The program as a user meets it: the built binary, its output and its exit codes.
struct CommandLineTests {
    struct Outcome {
        var status: Int32
        var output: String
        var errors: String
    }

    /// The binary that was built beside these tests.
    static var binary: URL {
        if let named = ProcessInfo.processInfo.environment["MARTLET_BINARY"] { return URL(fileURLWithPath: named) }
        return Bundle.module.bundleURL.deletingLastPathComponent().appendingPathComponent("martlet")
    }

    /// Runs the binary to its end. Output is small in these tests: it fits into the pipes.
    static func run(
        _ arguments: [String], binary: URL = binary, environment: [String: String] = [:]
    ) throws -> Outcome {
        let process = Process()
        process.executableURL = binary
        process.arguments = arguments
        var variables = ProcessInfo.processInfo.environment.filter { !$0.key.hasPrefix("MARTLET_") }
        variables.merge(environment) { _, new in new }
        process.environment = variables
        let output = Pipe()
        let errors = Pipe()
        process.standardOutput = output
        process.standardError = errors
        process.standardInput = FileHandle.nullDevice
        try process.run()
        let outputData = output.fileHandleForReading.readDataToEndOfFile()
        let errorData = errors.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return Outcome(
            status: process.terminationStatus, output: String(decoding: outputData, as: UTF8.self),
            errors: String(decoding: errorData, as: UTF8.self))
    }

    private func withFolder<R>(_ body: (URL) throws -> R) throws -> R {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("martlet-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        return try body(folder)
    }

    @Test(
        "teaches every command with examples in its help",
        arguments: [
            "serve", "convert", "inspect", "verify", "publish", "classify", "embed", "tokenize", "models", "rollout",
            "ping", "info",
        ])
    func help(command: String) throws {
        let outcome = try Self.run([command, "--help"])
        #expect(outcome.status == 0)
        #expect(outcome.output.contains("Example"))
        #expect(outcome.output.contains("martlet \(command)"))
    }

    @Test(
        "teaches what can be done with models with examples in its help",
        arguments: ["list", "load", "unload", "clear", "label", "route", "routes", "watch", "stats"])
    func modelsHelp(command: String) throws {
        let outcome = try Self.run(["models", command, "--help"])
        #expect(outcome.status == 0)
        #expect(outcome.output.contains("Example"))
        #expect(outcome.output.contains("martlet models \(command)"))
    }

    @Test(
        "teaches every part of a rollout with examples in its help",
        arguments: ["plan", "apply", "watch", "promote", "rollback", "status"])
    func rolloutHelp(command: String) throws {
        let outcome = try Self.run(["rollout", command, "--help"])
        #expect(outcome.status == 0)
        #expect(outcome.output.contains("Example"))
        #expect(outcome.output.contains("martlet rollout \(command)"))
    }

    @Test("refuses a route, a version and a place to publish to that say two things or nothing")
    func routeUsage() throws {
        for arguments in [
            ["models", "route", "guard"], ["models", "route", "guard", "8", "--remove"],
            ["models", "route", "guard", "7=1", "8"], ["models", "route", "guard", "8", "--shadow", "9"],
            ["models", "route", "guard", "--remove", "--sticky-key", "user"], ["models", "load", "guard:stable"],
            ["models", "unload", "guard:stable"], ["models", "clear", "guard"],
            ["publish", ".", "--models", "m", "--address", "127.0.0.1:1"], ["publish", ".", "--name", "other"],
        ] {
            #expect(try Self.run(arguments).status == 64, "\(arguments)")
        }
    }

    @Test("a rollout's file that is missing or wrong ends plan and apply before a server is asked")
    func rolloutFiles() throws {
        try withFolder { folder in
            let file = folder.appendingPathComponent("r.yaml")
            try Data("model: guard\nversoin: 8\n".utf8).write(to: file)
            for command in ["plan", "apply"] {
                let wrong = try Self.run(["rollout", command, file.path])
                #expect(wrong.status == 65)
                #expect(wrong.errors.contains("versoin is no key of a rollout; did you mean 'version'?"))
                #expect(try Self.run(["rollout", command, "/nowhere.yaml"]).status == 66)
            }
        }
    }

    @Test("refuses a label without a version, and one with a version that is to be removed")
    func labelUsage() throws {
        for arguments in [["guard", "stable"], ["guard", "stable", "3", "--remove"], ["guard", "stable", "0"]] {
            #expect(try Self.run(["models", "label"] + arguments).status == 64)
        }
    }

    @Test("lists every exit code in the help")
    func exitCodes() throws {
        let outcome = try Self.run(["--help"])
        for code in [0, 1, 64, 65, 66, 69, 70, 73, 75, 76, 77, 78] {
            #expect(outcome.output.contains(" \(code)  "))
        }
    }

    @Test("writes a completion script", arguments: ["bash", "zsh", "fish"])
    func completions(shell: String) throws {
        let outcome = try Self.run(["--generate-completion-script", shell])
        #expect(outcome.status == 0)
        #expect(outcome.output.contains("classify"))
    }

    @Test(
        "answers a wrong command line with how it goes and 64",
        arguments: [
            ["--bogus"], ["serve", "--bogus"], ["classify", "--document", "a", "text"],
            ["classify", "--min-confidence", "2", "x"],
            ["convert", "folder"], ["convert", "folder", "--name", "../evil"], ["verify", "x", "--cpu", "sse"],
            ["classify", "--address", "nonsense", "text"], ["classify", "--timeout", "soon", "text"],
            ["serve", "--limit", "noSuchLimit=1"], ["info", "extra"],
        ])
    func usage(arguments: [String]) throws {
        let outcome = try Self.run(arguments)
        #expect(outcome.status == 64)
        #expect(!outcome.errors.isEmpty)
        #expect(outcome.output.isEmpty)
    }

    @Test("shows with --check where each value comes from")
    func check() throws {
        try withFolder { folder in
            let outcome = try Self.run(
                ["serve", "--models", folder.path, "--listen", "127.0.0.1:0", "--check", "--json"],
                environment: ["MARTLET_THREADS": "2", "MARTLET_TREADS": "2"])
            #expect(outcome.status == 0)
            let report = try #require(
                try JSONSerialization.jsonObject(with: Data(outcome.output.utf8)) as? [String: Any])
            #expect(report["holds"] as? Bool == true)
            #expect(report["unknown_variables"] as? [String] == ["MARTLET_TREADS"])
            let settings = try #require(report["settings"] as? [[String: String]])
            #expect(settings.first { $0["setting"] == "threads" }?["source"] == "environment MARTLET_THREADS")
            #expect(settings.first { $0["setting"] == "models" }?["source"] == "flag")
            #expect(settings.first { $0["setting"] == "limits.drainTimeout" }?["source"] == "default")
        }
    }

    @Test("ends --check with 78 and every problem")
    func checkFails() throws {
        let outcome = try Self.run(["serve", "--models", "/nowhere/at/all", "--listen", "unix:/nowhere/s", "--check"])
        #expect(outcome.status == 78)
        #expect(outcome.output.contains("is not there"))
        #expect(outcome.output.contains("unix:/nowhere/s"))
        #expect(outcome.errors.contains("2 problems"))
    }

    @Test("shows with info which kernels run, why, and on how many threads")
    func info() throws {
        let outcome = try Self.run(["info"], environment: ["MARTLET_CPU": "scalar", "MARTLET_THREADS": "3"])
        #expect(outcome.status == 0)
        #expect(outcome.output.contains("scalar, because MARTLET_CPU allows no more"))
        #expect(outcome.output.contains("3, set by MARTLET_THREADS"))
        #expect(outcome.output.contains("GMAC/s"))
    }

    @Test("gives info as JSON, where a flag wins over the environment")
    func infoJSON() throws {
        let outcome = try Self.run(["info", "--json", "--cpu", "best"], environment: ["MARTLET_CPU": "scalar"])
        #expect(outcome.status == 0)
        let report = try #require(try JSONSerialization.jsonObject(with: Data(outcome.output.utf8)) as? [String: Any])
        let levels = try #require(report["levels"] as? [[String: Any]])
        let running = levels.filter { $0["runs_here"] as? Bool == true }
        #expect(levels.first?["level"] as? String == "scalar")
        #expect(report["level"] as? String == running.last?["level"] as? String)
        #expect(report["best_level"] as? String == running.last?["level"] as? String)
        #expect(running.dropFirst().allSatisfy { ($0["peak_macs_per_second"] as? Double ?? 0) > 1e6 })
        #expect((report["threads"] as? Int ?? 0) >= 1)
    }

    @Test("ends info with 78 for a level it does not know")
    func infoUnknownLevel() throws {
        let outcome = try Self.run(["info"], environment: ["MARTLET_CPU": "sse"])
        #expect(outcome.status == 78)
        #expect(outcome.errors.contains("MARTLET_CPU"))
    }

    @Test("does not start without its models folder, and says what to do")
    func noModelsFolder() throws {
        let outcome = try Self.run(["serve", "--models", "/nowhere/at/all", "--listen", "127.0.0.1:0"])
        #expect(outcome.status == 78)
        #expect(outcome.errors.contains("--models"))
    }

    @Test("does not start on a models folder it may not read")
    func unreadableModelsFolder() throws {
        try withFolder { folder in
            let models = folder.appendingPathComponent("models")
            try FileManager.default.createDirectory(at: models, withIntermediateDirectories: true)
            var program = Self.binary
            var words = ["serve", "--models", models.path, "--listen", "127.0.0.1:0"]
            if geteuid() == 0 {
                // Root reads everything, so the user `nobody` runs a copy of the program that it can reach.
                let copy = folder.appendingPathComponent("martlet")
                try FileManager.default.copyItem(at: Self.binary, to: copy)
                for path in [folder.path, copy.path] {
                    try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: path)
                }
                program = URL(fileURLWithPath: "/usr/bin/setpriv")
                words = ["--reuid=65534", "--regid=65534", "--clear-groups", copy.path] + words
            }
            try FileManager.default.setAttributes([.posixPermissions: 0o000], ofItemAtPath: models.path)
            defer { try? FileManager.default.setAttributes([.posixPermissions: 0o700], ofItemAtPath: models.path) }
            let outcome = try Self.run(words, binary: program)
            #expect(outcome.status == 78, "\(outcome.errors)")
            #expect(outcome.errors.contains("cannot be read"), "\(outcome.errors)")
        }
    }

    @Test("does not start on a file in the place of its models folder")
    func modelsFolderIsAFile() throws {
        try withFolder { folder in
            let file = folder.appendingPathComponent("models")
            try Data().write(to: file)
            let outcome = try Self.run(["serve", "--models", file.path, "--listen", "127.0.0.1:0"])
            #expect(outcome.status == 78)
            #expect(outcome.errors.contains("is a file"))
        }
    }

    @Test("does not start on a public address without being told that it is meant")
    func publicAddress() throws {
        let outcome = try Self.run(["serve", "--listen", "0.0.0.0:0"])
        #expect(outcome.status == 78)
        #expect(outcome.errors.contains("--insecure-public"))
    }

    @Test("does not start on a port that is in use")
    func portInUse() throws {
        try withFolder { folder in
            let taken = try TakenPort()
            let outcome = try Self.run(["serve", "--models", folder.path, "--listen", "127.0.0.1:\(taken.port)"])
            #expect(outcome.status == 69)
            #expect(outcome.errors.contains("in use"))
        }
    }

    @Test("says that no server answers, and 69")
    func noServer() throws {
        for arguments in [["models"], ["ping"], ["classify", "text"], ["classify", "--document", "/etc/hostname"]] {
            let outcome = try Self.run(arguments + ["--address", "unix:/nowhere/at/all.sock"])
            #expect(outcome.status == 69)
            #expect(outcome.errors.contains("martlet serve"))
        }
    }

    @Test("says that a file is not there, and 66")
    func noInput() throws {
        for arguments in [
            ["classify", "--document", "/nowhere"], ["classify", "--file", "/nowhere"], ["verify", "/nowhere"],
            ["inspect", "/nowhere"], ["convert", "/nowhere", "--name", "x"], ["classify", "--document", "/"],
        ] {
            let outcome = try Self.run(arguments)
            #expect(outcome.status == 66, "\(arguments)")
            #expect(outcome.errors.hasPrefix("martlet: "))
        }
    }

    @Test("converts, inspects and verifies an encoder for its vectors")
    func vectors() throws {
        try withFolder { folder in
            var model = TinyModelFolder(seed: 3)
            model.pooling = "cls_token"
            let source = folder.appendingPathComponent("source")
            try model.write(to: source)
            let models = folder.appendingPathComponent("models").path
            let words = ["convert", source.path, "--name", "tiny", "--models", models, "--gate", "0.9"]
            let made = try Self.run(words)
            #expect(made.status == 0, "\(made.errors)")
            #expect(made.output.contains("feature-extraction, cls pooling, 64 values, normalised"))
            #expect(made.output.contains("cosine of embeddings") && !made.output.contains("labels"))
            let json = try Self.run(words + ["--pooling", "mean", "--json"])
            #expect(json.output.contains("\"pooling\" : \"mean\"") && json.output.contains("min_embedding_cosine"))
            let inspected = try Self.run(["inspect", models + "/tiny/1"])
            #expect(
                inspected.output.contains("feature-extraction, cls pooling") && !inspected.output.contains("labels"))
            let verified = try Self.run(["verify", models + "/tiny/1", "--cpu", "scalar"])
            #expect(verified.status == 0 && verified.output.contains("largest difference 0.0"))
            let refused = try Self.run(words + ["--task", "text-classification"])
            #expect(refused.status != 0 && refused.errors.contains("there is no 'classifier'"))
            let wrong = try Self.run(words + ["--task", "translation"])
            #expect(wrong.status == 64 && wrong.errors.contains("feature-extraction"))
        }
    }

    @Test("prints no colours and no cursor movements into a pipe")
    func noColours() throws {
        for arguments in [["--help"], ["verify", "/nowhere"], ["serve", "--models", "/nowhere", "--check"]] {
            let outcome = try Self.run(arguments)
            #expect(!outcome.output.contains("\u{1B}"))
            #expect(!outcome.errors.contains("\u{1B}"))
        }
    }
}

/// A port that somebody listens on.
private final class TakenPort {
    let port: Int
    private let descriptor: Int32

    struct Failed: Error {}

    init() throws {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let descriptor = descriptor
        let bound = withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, length) == 0 && listen(descriptor, 1) == 0
                    && getsockname(descriptor, $0, &length) == 0
            }
        }
        guard descriptor >= 0, bound else { throw Failed() }
        port = Int(UInt16(bigEndian: address.sin_port))
    }

    deinit { close(descriptor) }
}
