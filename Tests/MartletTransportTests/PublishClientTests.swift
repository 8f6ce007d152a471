import Foundation
import MartletClient
import MartletCore
import Synchronization
import Testing

@Suite("A client that publishes a folder", .timeLimit(.minutes(5)))
struct PublishClientTests {
    private final class Steps: Sendable {
        private let stored = Mutex<[PublishProgress]>([])
        func add(_ progress: PublishProgress) { stored.withLock { $0.append(progress) } }
        var all: [PublishProgress] { stored.withLock { $0 } }
    }

    /// A folder of these files and a manifest that names them.
    private static func folder(_ files: [String: [UInt8]], sizes: [String: Int] = [:]) throws -> String {
        let folder = FileManager.default.temporaryDirectory.appending(path: "publish-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        for (name, bytes) in files { try Data(bytes).write(to: folder.appending(path: name)) }
        let entries = files.keys.sorted().map {
            #"{"sha256": "x", "bytes": \#(sizes[$0] ?? files[$0]?.count ?? 0), "name": "\#($0)"}"#
        }
        let manifest = #"{"format": 1, "files": [\#(entries.joined(separator: ", "))], "name": "echo"}"#
        try Data(manifest.utf8).write(to: folder.appending(path: "manifest.json"))
        return folder.path
    }

    private static func random(_ count: Int, seed: UInt64) -> [UInt8] {
        var state = seed
        return (0..<count).map { _ in
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return UInt8(truncatingIfNeeded: state >> 33)
        }
    }

    private let files = [
        "a.json": Array(repeating: UInt8(ascii: "a"), count: 600_000), "b.bin": random(700_001, seed: 1), "empty": [],
    ]

    @Test("sends every file in chunks, and tells how far it is")
    func whole() async throws {
        let folder = try Self.folder(files)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try await TestServer.with { test in
            let client = try await MartletClient.connect(to: test.unix)
            let steps = Steps()
            let identity = try await client.publish(folder: folder) { steps.add($0) }
            #expect(identity == ModelIdentity(name: "echo", version: 4, digest: "d"))
            for (name, bytes) in files where !bytes.isEmpty { #expect(test.rollouts.file(name) == bytes) }
            #expect(test.rollouts.file("empty") == nil)
            // 600,000 and 700,001 bytes in chunks of 256 KiB.
            #expect(test.rollouts.partsReceived == 3 + 3)
            #expect(steps.all.first == PublishProgress(heldBytes: 0, bytes: 0, totalBytes: 1_300_001))
            #expect(steps.all.last == PublishProgress(heldBytes: 0, bytes: 1_300_001, totalBytes: 1_300_001))
            #expect(steps.all.map(\.bytes) == steps.all.map(\.bytes).sorted())
        }
    }

    @Test("sends only what the server lacks after an upload that broke off")
    func resumes() async throws {
        let folder = try Self.folder(files)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try await TestServer.with { test in
            let client = try await MartletClient.connect(to: test.unix)
            test.rollouts.breakUpload(afterParts: 4)
            let broken = await failure { try await client.publish(folder: folder) }
            #expect(broken?.code == .unavailable && broken?.message == "the server went away")
            let steps = Steps()
            try await client.publish(folder: folder) { steps.add($0) }
            #expect(test.rollouts.partsReceived == 3 + 3)
            let held = 600_000 + (256 << 10)
            #expect(steps.all.first == PublishProgress(heldBytes: held, bytes: held, totalBytes: 1_300_001))
            // What is there already is not sent again.
            try await client.publish(folder: folder)
            #expect(test.rollouts.partsReceived == 3 + 3)
            for (name, bytes) in files where !bytes.isEmpty { #expect(test.rollouts.file(name) == bytes) }
        }
    }

    @Test("sends the signature beside the manifest")
    func signature() async throws {
        let folder = try Self.folder(["a": [1]])
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try Data([1, 2, 3]).write(to: URL(filePath: folder).appending(path: "model.sig"))
        try await TestServer.with { test in
            let client = try await MartletClient.connect(to: test.unix)
            try await client.publish(folder: folder)
            #expect(test.rollouts.asked.first?.hasSuffix("bytes of manifest, 3 of signature") == true)
        }
    }

    @Test("refuses a folder that is no version before anything is sent")
    func noVersion() async throws {
        try await TestServer.with { test in
            let client = try await MartletClient.connect(to: test.unix)
            let missing = await failure { try await client.publish(folder: "/nonexistent") }
            #expect(missing?.code == .notFound && missing?.message.contains("manifest.json") == true)
            for (manifest, expected) in [
                (#"{"files": [{"name": "../secret", "bytes": 1}]}"#, "no plain file name"),
                (#"{"files": [{"name": "/etc/passwd", "bytes": 1}]}"#, "no plain file name"),
                (#"{"files": [{"name": "a", "bytes": -1}]}"#, "gives no size for a"),
                (#"{"files": [{"name": "a"}]}"#, "gives no size for a"),
                (#"{"files": []}"#, "names no files"), (#"{}"#, "names no files"),
                ("[1]", "manifest.json"), ("{", "manifest.json"),
            ] {
                let folder = try Self.folder(["a": [1]])
                defer { try? FileManager.default.removeItem(atPath: folder) }
                try Data(manifest.utf8).write(to: URL(filePath: folder).appending(path: "manifest.json"))
                let error = await failure { try await client.publish(folder: folder) }
                #expect(error?.code == .invalidArgument, "\(manifest)")
                #expect(error?.message.contains(expected) == true, "\(manifest): \(error?.message ?? "")")
            }
            #expect(test.rollouts.asked == [])
        }
    }

    @Test("refuses a manifest that is more than the server takes in one message, before anything is sent")
    func largeManifest() async throws {
        let folder = try Self.folder(["a": [1]])
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let place = URL(filePath: folder).appending(path: "manifest.json")
        let padding = String(repeating: "x", count: 400_000)
        let manifest = #"{"files": [{"name": "a", "bytes": 1}], "name": "echo", "padding": "\#(padding)"}"#
        try Data(manifest.utf8).write(to: place)
        var limits = Limits()
        limits.textBytesMax = 100_000
        for (limit, isTaken) in [(300_000, false), (500_000, true)] {
            limits.messageBytesMax = limit
            try await TestServer.with(limits: limits) { test in
                let client = try await MartletClient.connect(to: test.unix)
                let error = await failure { try await client.publish(folder: folder) }
                #expect((error == nil) == isTaken, "\(error?.message ?? "")")
                #expect(test.rollouts.asked.isEmpty == !isTaken)
                if isTaken { return }
                #expect(error?.code == .failedPrecondition)
                #expect(error?.message.contains("the server's limit is 300000 (messageBytesMax)") == true)
            }
        }
    }

    @Test("sends chunks as small as the server takes messages")
    func smallMessages() async throws {
        let noise = Self.random(10_000, seed: 2)
        let folder = try Self.folder(["a": noise])
        defer { try? FileManager.default.removeItem(atPath: folder) }
        var limits = Limits()
        limits.messageBytesMax = 4_096
        limits.textBytesMax = 4_000
        try await TestServer.with(limits: limits) { test in
            let client = try await MartletClient.connect(to: test.unix)
            try await client.publish(folder: folder)
            #expect(test.rollouts.file("a") == noise)
            #expect(test.rollouts.partsReceived == 5)
        }
    }

    @Test("a file shorter than its manifest says ends the upload, a missing one too")
    func short() async throws {
        try await TestServer.with { test in
            let client = try await MartletClient.connect(to: test.unix)
            let folder = try Self.folder(["a": [1, 2, 3]], sizes: ["a": 10])
            defer { try? FileManager.default.removeItem(atPath: folder) }
            let error = await failure { try await client.publish(folder: folder) }
            #expect(error?.code == .failedPrecondition)
            #expect(error?.message.hasPrefix("a has 3 bytes and the manifest says 10") == true)
            try FileManager.default.removeItem(atPath: folder + "/a")
            let missing = await failure { try await client.publish(folder: folder) }
            #expect(missing?.code == .failedPrecondition || missing?.code == .notFound)
        }
    }
}
