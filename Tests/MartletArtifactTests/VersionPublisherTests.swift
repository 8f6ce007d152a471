import Foundation
import Glibc
import MartletArtifact
import MartletCore
import Testing

@Suite("VersionPublisher")
struct VersionPublisherTests {
    let tiny: TinyArtifact
    let source: URL
    /// Where versions are published to.
    let target: URL

    init() throws {
        tiny = try TinyArtifact()
        source = try tiny.published()
        target = tiny.root.appendingPathComponent("target")
    }

    private var publisher: VersionPublisher { VersionPublisher(root: target.path) }

    private func manifest() throws -> [UInt8] { try source.bytes("manifest.json") }

    /// Another version 1 of the same model.
    private func otherSource() throws -> URL {
        let root = tiny.root.appendingPathComponent("other")
        try ArtifactWriter().publish(TinyArtifact.draft(seed: 2), to: root.path, name: tiny.model, version: 1)
        return root.appendingPathComponent("tiny/1")
    }

    private func names() -> [String] {
        let folder = target.appendingPathComponent(tiny.model).path
        return ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []).sorted()
    }

    /// Sends what is missing, in pieces of `step` bytes, up to `most` bytes.
    private func send(_ upload: StagedUpload, from folder: URL, step: Int = 1_000, most: Int = .max) throws {
        var sent = 0
        for held in upload.held {
            let bytes = try folder.bytes(held.name)
            var offset = held.bytes
            while offset < bytes.count, sent < most {
                let part = Array(bytes[offset..<min(offset + min(step, most - sent), bytes.count)])
                try upload.write(file: held.name, offset: offset, bytes: part)
                offset += part.count
                sent += part.count
            }
        }
    }

    private func error(_ body: () throws -> Void) -> MartletError? {
        do {
            try body()
            return nil
        } catch {
            return error as? MartletError
        }
    }

    // MARK: The whole way

    @Test("makes the version exist at the end and not before, file for file what was sent")
    func publishes() throws {
        let upload = try publisher.begin(manifest: manifest())
        #expect(upload.id == VersionID(model: "tiny", number: 1))
        #expect(upload.held.allSatisfy { $0.bytes == 0 } && upload.held.count == 3)
        try send(upload, from: source)
        #expect(upload.heldBytes == upload.totalBytes)
        #expect(names().count == 1 && names()[0].hasPrefix(".staging-tiny-1-"))
        let published = try upload.commit()
        #expect(names() == ["1"])
        let wanted = sha256(try manifest())
        #expect(published.digest == wanted && !published.wasThere)
        let folder = target.appendingPathComponent("tiny/1")
        for name in try FileManager.default.contentsOfDirectory(atPath: source.path) {
            #expect(try folder.bytes(name) == source.bytes(name))
            var status = stat()
            #expect(stat(folder.appendingPathComponent(name).path, &status) == 0 && status.st_mode & 0o777 == 0o644)
        }
        #expect(refusal(folder) == nil)
    }

    @Test("copies a folder, tells how far it is, and stops when it is told to")
    func copies() throws {
        var told: [Int] = []
        let published = try publisher.copy(from: source.path) { done, total throws(MartletError) in
            told.append(done)
            #expect(done <= total)
        }
        #expect(told == told.sorted() && told.count == 4)
        let manifestBytes = try manifest().count
        #expect(published.bytes == (told.last ?? 0) + manifestBytes)
        let other = try otherSource()
        let stopped = error {
            _ = try publisher.copy(from: other.path, version: 2) { done, _ throws(MartletError) in
                if done > 0 { throw MartletError(.cancelled, "enough") }
            }
        }
        #expect(stopped?.code == .cancelled)
        #expect(names().count == 2)
        #expect(try publisher.copy(from: other.path, version: 2).id.number == 2)
        #expect(names() == ["1", "2"])
    }

    @Test("publishes under another name and number with a manifest of its own")
    func renames() throws {
        let published = try publisher.copy(from: source.path, name: "guard-eu", version: 7)
        #expect(published.id == VersionID(model: "guard-eu", number: 7))
        let folder = target.appendingPathComponent("guard-eu/7")
        let artifact = try ArtifactReader().read(folder: folder.path)
        #expect(artifact.manifest.name == "guard-eu" && artifact.manifest.version == 7)
        let before = sha256(try manifest())
        #expect(artifact.digest == published.digest && published.digest != before)
        let wrongName = error { _ = try publisher.copy(from: source.path, name: "../x") }
        #expect(wrongName?.code == .invalidArgument)
        let wrongNumber = error { _ = try publisher.copy(from: source.path, version: 0) }
        #expect(wrongNumber?.code == .invalidArgument)
    }

    // MARK: Once more

    @Test("takes the same publish once more for a success, without a byte sent")
    func again() throws {
        _ = try publisher.copy(from: source.path)
        let upload = try publisher.begin(manifest: manifest())
        #expect(upload.heldBytes == upload.totalBytes)
        let published = try upload.commit()
        let wanted = sha256(try manifest())
        #expect(published.wasThere && published.digest == wanted)
        #expect(names() == ["1"])
    }

    @Test("refuses other bytes for a version that exists, as early as its manifest")
    func otherBytes() throws {
        _ = try publisher.copy(from: source.path)
        let other = try otherSource()
        let refused = error { _ = try publisher.begin(manifest: other.bytes("manifest.json")) }
        #expect(refused?.code == .alreadyExists)
        #expect(refused?.message.contains("--version 2") == true)
        #expect(try target.appendingPathComponent("tiny/1").bytes("manifest.json") == manifest())
        // A folder that no publisher made keeps its name too.
        mkdir(target.appendingPathComponent("tiny/3").path, 0o755)
        let taken = error { _ = try publisher.copy(from: source.path, version: 3) }
        #expect(taken?.code == .alreadyExists)
    }

    @Test("does not say that a version is published when the one that exists is damaged")
    func damagedExisting() throws {
        _ = try publisher.copy(from: source.path)
        let path = target.appendingPathComponent("tiny/1/weights.martlet").path
        truncate(path, 100)
        let refused = error { _ = try publisher.copy(from: source.path) }
        #expect(refused?.code == .dataLoss)
        #expect(refused?.message.hasPrefix("weights.martlet: has 100 bytes") == true)
    }

    @Test("goes on where an upload broke off, at whatever byte", arguments: [0, 1, 999, 1_000, 1_001, 3_000, 5_000])
    func resumes(sent: Int) throws {
        var first: StagedUpload? = try publisher.begin(manifest: manifest())
        try send(try #require(first), from: source, most: sent)
        first = nil
        let second = try publisher.begin(manifest: manifest())
        #expect(second.heldBytes == min(sent, second.totalBytes))
        try send(second, from: source)
        _ = try second.commit()
        #expect(refusal(target.appendingPathComponent("tiny/1")) == nil)
        #expect(names() == ["1"])
    }

    @Test("drops what an upload cannot have left, and finds a wrong part at the file's end")
    func wrongParts() throws {
        var first: StagedUpload? = try publisher.begin(manifest: manifest())
        try send(try #require(first), from: source, most: 2_000)
        let staging = target.appendingPathComponent("tiny/\(names()[0])")
        first = nil
        // Too long, a link to elsewhere, whole and wrong, and a stranger.
        try staging.put("golden.json", [UInt8](repeating: 1, count: 1 << 16))
        let elsewhere = tiny.root.appendingPathComponent("elsewhere")
        try Data([1, 2, 3]).write(to: elsewhere)
        unlink(staging.path + "/tokenizer.json")
        symlink(elsewhere.path, staging.path + "/tokenizer.json")
        try staging.put("weights.martlet", [UInt8](repeating: 7, count: try source.bytes("weights.martlet").count))
        try staging.put("stranger.bin", [1])
        let upload = try publisher.begin(manifest: manifest())
        #expect(upload.heldBytes == 0)
        #expect(!FileManager.default.fileExists(atPath: staging.path + "/stranger.bin"))
        try send(upload, from: source)
        _ = try upload.commit()
        #expect(try Data(contentsOf: elsewhere) == Data([1, 2, 3]))
        #expect(refusal(target.appendingPathComponent("tiny/1")) == nil)
    }

    @Test("does not write through a hard link that somebody put into the hidden folder")
    func hardLink() throws {
        var first: StagedUpload? = try publisher.begin(manifest: manifest())
        let staging = target.appendingPathComponent("tiny/\(names()[0])")
        #expect(first != nil)
        first = nil
        let elsewhere = tiny.root.appendingPathComponent("elsewhere")
        try Data([1, 2, 3]).write(to: elsewhere)
        #expect(link(elsewhere.path, staging.path + "/golden.json") == 0)
        _ = try publisher.copy(from: source.path)
        #expect(try Data(contentsOf: elsewhere) == Data([1, 2, 3]))
    }

    @Test("cuts a file to nothing whose bytes are not the manifest's, says both digests, and takes it again")
    func wrongFile() throws {
        let upload = try publisher.begin(manifest: manifest())
        var wrong = try source.bytes("tokenizer.json")
        wrong[0] ^= 1
        let refused = error { try upload.write(file: "tokenizer.json", offset: 0, bytes: wrong) }
        #expect(refused?.code == .dataLoss)
        let digest = sha256(wrong)
        #expect(refused?.message.contains("have SHA-256 \(digest), the manifest says") == true)
        #expect(upload.held.first { $0.name == "tokenizer.json" }?.bytes == 0)
        try send(upload, from: source)
        _ = try upload.commit()
        #expect(refusal(target.appendingPathComponent("tiny/1")) == nil)
    }

    @Test("refuses bytes of no file, from elsewhere and past the end, and a commit before the last byte")
    func order() throws {
        let upload = try publisher.begin(manifest: manifest())
        for (file, offset, count, reason) in [
            ("nothing.bin", 0, 1, "does not list it"), ("../../x", 0, 1, "does not list it"),
            ("golden.json", 1, 1, "expected 0"), ("golden.json", -1, 1, "expected 0"),
            ("golden.json", Int.max, 1, "expected 0"), ("golden.json", 0, 1 << 16, "go past the"),
            ("manifest.json", 0, 1, "does not list it"),
        ] {
            let refused = error {
                try upload.write(file: file, offset: offset, bytes: [UInt8](repeating: 0, count: count))
            }
            #expect(refused?.code == .invalidArgument && refused?.message.contains(reason) == true, "\(file)")
        }
        try send(upload, from: source, most: 10)
        let early = error { _ = try upload.commit() }
        #expect(early?.code == .failedPrecondition)
        #expect(early?.message.contains("golden.json: 10 of its ") == true)
        // It goes on all the same.
        try send(upload, from: source)
        _ = try upload.commit()
        let ended = error { try upload.write(file: "golden.json", offset: 0, bytes: [1]) }
        #expect(ended != nil)
        #expect(try upload.commit().wasThere)
    }

    @Test("refuses manifests that lie before anything is made")
    func manifests() throws {
        let good = try manifest()
        var flipped = good
        flipped[good.count / 2] ^= 1
        var limits = Limits()
        limits.manifestBytesMax = 100
        let flippedRefusal = error { _ = try publisher.begin(manifest: flipped) }
        #expect(flippedRefusal != nil)
        let emptyRefusal = error { _ = try publisher.begin(manifest: []) }
        #expect(emptyRefusal != nil)
        let cutRefusal = error { _ = try publisher.begin(manifest: Array(good.dropLast())) }
        #expect(cutRefusal != nil)
        let large = error { _ = try VersionPublisher(root: target.path, limits: limits).begin(manifest: good) }
        #expect(large?.message.contains("the limit is 100") == true)
        limits = Limits()
        limits.weightsBytesMax = 100
        let weights = error { _ = try VersionPublisher(root: target.path, limits: limits).begin(manifest: good) }
        #expect(weights?.message.contains("the limit is 100") == true)
        limits = Limits()
        limits.signatureBytesMax = 2
        let signature = error {
            _ = try VersionPublisher(root: target.path, limits: limits).begin(manifest: good, signature: [1, 2, 3])
        }
        #expect(signature?.message.contains("signatureBytesMax is 2") == true)
        #expect(!FileManager.default.fileExists(atPath: target.path))
    }

    @Test("refuses at the end what its own reader refuses, digests right and all, and leaves nothing")
    func refusedContent() throws {
        try source.replace("golden.json", Array("{\"examples\": []}".utf8))
        let refused = error { _ = try publisher.copy(from: source.path) }
        #expect(refused?.message.contains("has no examples") == true)
        #expect(names().isEmpty)
    }

    @Test("takes a version with an empty file")
    func emptyFile() throws {
        try source.put("NOTICE", [])
        try source.editManifest { $0.files.append(.init(name: "NOTICE", bytes: 0, sha256: sha256([]))) }
        _ = try publisher.copy(from: source.path)
        #expect(refusal(target.appendingPathComponent("tiny/1")) == nil)
        try source.editManifest { $0.files[$0.files.count - 1].sha256 = sha256([1]) }
        let refused = error { _ = try publisher.copy(from: source.path, version: 2) }
        #expect(refused?.code == .dataLoss)
        #expect(names() == ["1"])
    }

    @Test("says before anything is written how many bytes are missing on the disk")
    func noRoom() throws {
        // 1 PiB: more than any disk this runs on has free.
        var limits = Limits()
        limits.weightsBytesMax = 1 << 50
        try source.editManifest { manifest in
            for index in manifest.files.indices where manifest.files[index].name == "weights.martlet" {
                manifest.files[index].bytes = 1 << 50
            }
        }
        let refused = error { _ = try VersionPublisher(root: target.path, limits: limits).begin(manifest: manifest()) }
        #expect(refused?.code == .resourceExhausted)
        let message = try #require(refused?.message)
        #expect(message.contains("tiny/1 needs 11258999") && message.contains("are missing"), "\(message)")
        #expect(names().isEmpty)
    }

    // MARK: Others at the same time

    @Test("lets one publisher of the same bytes work at a time, and the next go on after it")
    func busy() throws {
        var first: StagedUpload? = try publisher.begin(manifest: manifest())
        try send(try #require(first), from: source, most: 100)
        let refused = error { _ = try publisher.begin(manifest: manifest()) }
        #expect(refused?.code == .aborted && refused?.retryAfter != nil)
        first = nil
        #expect(try publisher.begin(manifest: manifest()).heldBytes == 100)
    }

    @Test("lets exactly one of two publishers of other bytes win, whoever began first")
    func twoPublishers() throws {
        let other = try otherSource()
        let first = try publisher.begin(manifest: manifest())
        let second = try publisher.begin(manifest: other.bytes("manifest.json"))
        try send(first, from: source)
        try send(second, from: other)
        #expect(names().count == 2)
        let winner = try second.commit()
        let lost = error { _ = try first.commit() }
        #expect(lost?.code == .alreadyExists)
        #expect(names() == ["1"])
        let there = try ArtifactReader().read(folder: target.appendingPathComponent("tiny/1").path)
        let wanted = sha256(try other.bytes("manifest.json"))
        #expect(there.digest == winner.digest && winner.digest == wanted)
    }

    @Test("ends with one winner when many publish at once, and with no mixture")
    func race() async throws {
        let other = try otherSource()
        let publisher = publisher
        for number in 2...9 {
            let results = await withTaskGroup(of: Result<PublishedVersion, MartletError>.self) { group in
                for worker in 0..<4 {
                    let folder = worker % 2 == 0 ? source.path : other.path
                    group.addTask {
                        Result { () throws(MartletError) in try publisher.copy(from: folder, version: number) }
                    }
                }
                var results: [Result<PublishedVersion, MartletError>] = []
                for await result in group { results.append(result) }
                return results
            }
            let published = results.compactMap { try? $0.get() }
            #expect(Set(published.map(\.digest)).count == 1)
            #expect(published.filter { !$0.wasThere }.count == 1)
            for case .failure(let error) in results { #expect([.alreadyExists, .aborted].contains(error.code)) }
            let folder = target.appendingPathComponent("tiny/\(number)")
            #expect(try ArtifactReader().read(folder: folder.path).digest == published.first?.digest)
        }
        #expect(names() == (2...9).map(String.init))
    }

    @Test("removes what a dead publisher left when it is a day old, and never what somebody works on")
    func stale() throws {
        var dead: StagedUpload? = try publisher.begin(manifest: manifest())
        #expect(dead != nil)
        dead = nil
        let other = try otherSource()
        let alive = try publisher.begin(manifest: other.bytes("manifest.json"))
        #expect(names().count == 2)
        let tomorrow = VersionPublisher(root: target.path, secondsSinceEpoch: { time(nil) + 100_000 })
        _ = try tomorrow.copy(from: source.path, version: 5)
        #expect(names().count == 2 && names().last == "5")
        try send(alive, from: other)
        _ = try alive.commit()
        #expect(names() == ["1", "5"])
    }

    @Test("throws away an upload that is given up")
    func abandons() throws {
        let upload = try publisher.begin(manifest: manifest())
        try send(upload, from: source, most: 500)
        upload.abandon()
        #expect(names().isEmpty)
        let lateWrite = error { try upload.write(file: "golden.json", offset: 0, bytes: [1]) }
        #expect(lateWrite?.code == .failedPrecondition)
        let lateCommit = error { _ = try upload.commit() }
        #expect(lateCommit != nil)
    }
}
