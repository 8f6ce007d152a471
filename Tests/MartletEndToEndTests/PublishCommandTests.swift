import Foundation
import MartletArtifact
import MartletCore
import MartletTestSupport
import Testing

/// `martlet publish` with real processes: the way, its refusals, two at once, and one that dies.
@Suite("martlet publish", .timeLimit(.minutes(3)))
struct PublishCommandTests {
    private final class Folder {
        let root = FileManager.default.temporaryDirectory.appendingPathComponent("martlet-\(UUID().uuidString)")

        init() throws { try FileManager.default.createDirectory(at: root, withIntermediateDirectories: true) }

        deinit { try? FileManager.default.removeItem(at: root) }

        var models: URL { root.appendingPathComponent("models") }

        /// A finished version 1 of `tiny`, outside of the models folder.
        func made(seed: UInt64, change: (inout TinyModelFolder) -> Void = { _ in }) throws -> URL {
            var model = TinyModelFolder(seed: seed)
            change(&model)
            let source = root.appendingPathComponent("source-\(seed)")
            try model.write(to: source)
            let build = root.appendingPathComponent("build-\(seed)")
            let made = try CommandLineTests.run([
                "convert", source.path, "--name", "tiny", "--version", "1", "--models", build.path, "--precision",
                "float32",
            ])
            try #require(made.status == 0, "\(made.errors)")
            return build.appendingPathComponent("tiny/1")
        }

        func names() -> [String] {
            let path = models.appendingPathComponent("tiny").path
            return ((try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []).sorted()
        }

        /// Bytes in hidden folders of the model now.
        func stagedBytes() -> Int {
            names().filter { $0.hasPrefix(".") }.reduce(0) { sum, name in
                let path = models.appendingPathComponent("tiny/\(name)").path
                let files = (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []
                return sum
                    + files.reduce(0) {
                        var status = stat()
                        return $0 + (stat("\(path)/\($1)", &status) == 0 ? Int(status.st_size) : 0)
                    }
            }
        }

        func publish(_ version: URL, _ more: [String] = []) -> [String] {
            ["publish", version.path, "--models", models.path] + more
        }
    }

    private func digest(_ folder: URL) throws -> String {
        try ArtifactReader().readManifest(folder: folder.path).digest
    }

    @Test("publishes a version, says what it did, and takes the same once more for a success")
    func publishes() throws {
        let folder = try Folder()
        let version = try folder.made(seed: 1)
        let first = try CommandLineTests.run(folder.publish(version))
        #expect(first.status == 0, "\(first.errors)")
        #expect(first.output.contains("tiny/1 published in") && first.errors.isEmpty)
        #expect(first.output.contains(try digest(version)))
        #expect(folder.names() == ["1"])
        let again = try CommandLineTests.run(folder.publish(version, ["--json"]))
        let report = try #require(try JSONSerialization.jsonObject(with: Data(again.output.utf8)) as? [String: Any])
        let wanted = try digest(version)
        #expect(report["was_there"] as? Bool == true && report["digest"] as? String == wanted)
        let renamed = try CommandLineTests.run(folder.publish(version, ["--name", "other", "--version", "4"]))
        #expect(renamed.output.contains("other/4 published in") && renamed.output.contains("made again"))
        let verified = try CommandLineTests.run(["verify", folder.models.path + "/other/4"])
        #expect(verified.status == 0, "\(verified.errors)")
    }

    @Test("refuses a version that does not hold, other bytes for one that exists, and wrong words, by exit code")
    func refuses() throws {
        let folder = try Folder()
        let version = try folder.made(seed: 1)
        #expect(try CommandLineTests.run(folder.publish(version)).status == 0)
        let other = try CommandLineTests.run(folder.publish(try folder.made(seed: 2)))
        #expect(other.status == 73 && other.errors.contains("versions never change"))
        #expect(try digest(folder.models.appendingPathComponent("tiny/1")) == digest(version))
        for (words, status) in [
            (["--name", "../x"], Int32(64)), (["--version", "0"], 64), (["--public-key", "/nowhere"], 66),
        ] {
            #expect(try CommandLineTests.run(folder.publish(version, words)).status == status)
        }
        let missing = try CommandLineTests.run(["publish", "/nowhere"])
        #expect(missing.status == 66)
        let file = version.appendingPathComponent("golden.json")
        try Data("{}".utf8).write(to: file)
        let damaged = try CommandLineTests.run(folder.publish(version, ["--version", "2"]))
        #expect(damaged.status == 1 && damaged.errors.contains("golden.json: "))
        #expect(folder.names() == ["1"])
    }

    @Test("asks for a signature where a public key is named, and refuses one that is none")
    func signatures() throws {
        let folder = try Folder()
        let version = try folder.made(seed: 1)
        let key = folder.root.appendingPathComponent("publisher.pub")
        try Data(
            """
            -----BEGIN PUBLIC KEY-----
            MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE4YgzVBg53Z6x6Kru1ee0nlIHcx9p
            U7Uo5RsSqzoGtdpOCVLJUPF1mzK5UMgE4+ekqFlzO5yoimaRxhNYdWzI5w==
            -----END PUBLIC KEY-----

            """.utf8
        ).write(to: key)
        for command in [["verify", version.path], folder.publish(version)] {
            let unsigned = try CommandLineTests.run(command + ["--public-key", key.path])
            #expect(unsigned.status == 1 && unsigned.errors.contains("model.sig: is missing"), "\(unsigned.errors)")
            try Data("{}".utf8).write(to: version.appendingPathComponent("model.sig"))
            let garbage = try CommandLineTests.run(command + ["--public-key", key.path])
            #expect(garbage.status == 1 && garbage.errors.contains("model.sig: the field 'mediaType' is missing"))
            try FileManager.default.removeItem(at: version.appendingPathComponent("model.sig"))
        }
        let served = try CommandLineTests.run([
            "serve", "--models", folder.root.path, "--listen", "127.0.0.1:0", "--require-signature", "--check",
        ])
        #expect(served.status == 78 && served.errors.contains("requireSignature needs signatureKeys"))
        let missing = try CommandLineTests.run([
            "serve", "--models", folder.root.path, "--listen", "127.0.0.1:0", "--signature-key", "/nowhere", "--check",
        ])
        #expect(missing.status == 78 && missing.errors.contains("public key"))
        let holds = try CommandLineTests.run([
            "serve", "--models", folder.root.path, "--listen", "127.0.0.1:0", "--signature-key", key.path,
            "--require-signature", "--check",
        ])
        #expect(holds.status == 0, "\(holds.errors)")
    }

    @Test("has one winner when two processes publish other bytes for one version, and no mixture")
    func twoProcesses() async throws {
        let folder = try Folder()
        let versions = [try folder.made(seed: 1), try folder.made(seed: 2)]
        for number in 1...8 {
            let words = versions.map { folder.publish($0, ["--version", "\(number)"]) }
            let statuses = try await withThrowingTaskGroup(of: Int32.self) { group in
                for words in words { group.addTask { try CommandLineTests.run(words).status } }
                return try await group.reduce(into: [Int32]()) { $0.append($1) }
            }
            #expect(statuses.sorted() == [0, 73])
            let there = folder.models.appendingPathComponent("tiny/\(number)")
            #expect(throws: Never.self) { try ArtifactReader().read(folder: there.path) }
        }
        #expect(folder.names() == (1...8).map(String.init))
    }

    @Test("leaves nothing or all of a version when it is killed, and goes on when it is run again")
    func killed() throws {
        let folder = try Folder()
        // Some megabytes, so that there is time to die in.
        let version = try folder.made(seed: 1) { model in
            model.hiddenSize = 256
            model.intermediateSize = 1_024
        }
        let wanted = try digest(version)
        let total = try sizes(of: version).reduce(0) { $0 + $1.bytes }
        var random = SeededGenerator(seed: 7)
        for number in 1...12 {
            let words = folder.publish(version, ["--version", "\(number)"])
            let process = Process()
            process.executableURL = CommandLineTests.binary
            process.arguments = words
            process.standardOutput = FileHandle.nullDevice
            process.standardError = FileHandle.nullDevice
            try process.run()
            let most = Int.random(in: 0...total, using: &random)
            while process.isRunning, folder.stagedBytes() < most {}
            kill(process.processIdentifier, SIGKILL)
            process.waitUntilExit()
            let there = folder.models.appendingPathComponent("tiny/\(number)")
            if FileManager.default.fileExists(atPath: there.path) {
                #expect(throws: Never.self) { try ArtifactReader().read(folder: there.path) }
            }
            let again = try CommandLineTests.run(words)
            #expect(again.status == 0, "\(again.errors)")
            #expect(try ArtifactReader().read(folder: there.path).manifest.files == sizes(of: version))
        }
        #expect(wanted == (try digest(folder.models.appendingPathComponent("tiny/1"))))
        #expect(folder.names() == (1...12).map(String.init).sorted())
    }

    private func sizes(of version: URL) throws -> [Manifest.File] {
        try ArtifactReader().readManifest(folder: version.path).manifest.files
    }

    @Test(
        "says how many bytes are missing when the disk is too small, and leaves nothing",
        .enabled(if: geteuid() == 0, "needs a mount"))
    func smallDisk() throws {
        let folder = try Folder()
        let version = try folder.made(seed: 1)
        try FileManager.default.createDirectory(at: folder.models, withIntermediateDirectories: true)
        // In a mount namespace of its own, so that the disk goes with the process.
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/unshare")
        process.arguments = [
            "-m", "sh", "-c",
            "mount -t tmpfs -o size=64k none \"$1\" && { \"$2\" publish \"$3\" --models \"$1\"; echo \"status $?\"; "
                + "ls -A \"$1/tiny\" 2>/dev/null; }",
            "sh", folder.models.path, CommandLineTests.binary.path, version.path,
        ]
        let output = Pipe()
        process.standardOutput = output
        process.standardError = output
        try process.run()
        let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        // A container may not be allowed to mount.
        guard text.contains("status ") else { return }
        #expect(text.contains("status 75"), "\(text)")
        #expect(text.contains("are missing. Free that much and try again."), "\(text)")
        #expect(!text.contains("staging"))
    }
}
