import Foundation
import Glibc
import MartletArtifact
import MartletCore
import Testing

@Suite("ArtifactWriter")
struct ArtifactWriterTests {
    let tiny: TinyArtifact

    init() throws { tiny = try TinyArtifact() }

    private func publish(
        _ version: Int?, writer: ArtifactWriter = ArtifactWriter()
    ) -> Result<PublishedVersion, MartletError> {
        do throws(MartletError) {
            return .success(
                try writer.publish(TinyArtifact.draft(), to: tiny.root.path, name: tiny.model, version: version))
        } catch {
            return .failure(error)
        }
    }

    private func names() throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: tiny.root.appendingPathComponent(tiny.model).path).sorted()
    }

    @Test("never replaces a version, and says what to do instead")
    func refusesExisting() throws {
        _ = try publish(1).get()
        let before = try tiny.folder(1).bytes("manifest.json")
        guard case .failure(let error) = publish(1) else {
            Issue.record("published twice")
            return
        }
        #expect(error.code == .alreadyExists)
        #expect(error.message.contains("--version 2"))
        #expect(try tiny.folder(1).bytes("manifest.json") == before)
        #expect(try names() == ["1"])
    }

    @Test("takes the number after the newest version when none is given")
    func nextNumber() throws {
        #expect(try publish(nil).get().id.number == 1)
        _ = try publish(41).get()
        #expect(try publish(nil).get().id.number == 42)
    }

    @Test("leaves nothing behind when a draft is refused")
    func cleansUp() throws {
        var draft = TinyArtifact.draft()
        draft.tensors.removeLast()
        #expect(throws: MartletError.self) {
            try ArtifactWriter().publish(draft, to: tiny.root.path, name: tiny.model, version: 1)
        }
        #expect(try names().isEmpty)
    }

    @Test("removes staging folders older than a day and leaves younger ones")
    func removesStale() throws {
        _ = try publish(1).get()
        let model = tiny.root.appendingPathComponent(tiny.model)
        let stale = model.appendingPathComponent(".staging-tiny-9-dead")
        try FileManager.default.createDirectory(at: stale, withIntermediateDirectories: false)
        try stale.put("weights.martlet", [1, 2, 3])
        _ = try publish(2).get()
        #expect(try names() == [".staging-tiny-9-dead", "1", "2"])
        let tomorrow = ArtifactWriter(secondsSinceEpoch: { time(nil) + 100_000 })
        _ = try publish(3, writer: tomorrow).get()
        #expect(try names() == ["1", "2", "3"])
    }

    @Test(
        "refuses names and numbers that are none",
        arguments: [("", 1), ("../x", 1), (".x", 1), ("x/y", 1), ("x", 0), ("x", -1)])
    func refusesNames(name: String, version: Int) throws {
        do throws(MartletError) {
            try ArtifactWriter().publish(TinyArtifact.draft(), to: tiny.root.path, name: name, version: version)
            Issue.record("published")
        } catch {
            #expect(error.code == .invalidArgument)
        }
    }

    @Test("keeps extra files with the version, digests and all")
    func extraFiles() throws {
        var draft = TinyArtifact.draft()
        draft.extraFiles["LICENSE"] = Array("text".utf8)
        try ArtifactWriter().publish(draft, to: tiny.root.path, name: tiny.model, version: 1)
        #expect(refusal(tiny.folder(1)) == nil)
        try tiny.folder(1).put("LICENSE", Array("tex\u{54}".utf8))
        #expect(try #require(refusal(tiny.folder(1))).message.hasPrefix("LICENSE: has SHA-256"))
    }

    @Test("writes what WEIGHTS.md says, byte for byte")
    func layout() throws {
        let folder = try tiny.published()
        let bytes = try folder.bytes("weights.martlet")
        #expect(bytes.prefix(12) == ArraySlice(Array("MARTLETW".utf8) + [1, 0, 0, 0]))
        #expect(bytes.count % 64 == 0)
        let tensors = TinyArtifact.tensors(.int8, seed: 1).tensors
        var forge = WeightsForge(
            entries: tensors.map {
                WeightsForge.Entry(
                    name: Array($0.name.utf8), type: $0.elementType.rawValue, dimensions: $0.shape.map { UInt64($0) },
                    offset: 0, byteCount: UInt64($0.bytes.count))
            }, data: [])
        for (index, tensor) in tensors.enumerated() {
            forge.entries[index].offset = UInt64(forge.dataStart + forge.data.count)
            forge.data += Array(tensor.bytes)
            while forge.data.count % 64 != 0 { forge.data.append(0) }
        }
        #expect(forge.encoded == bytes)
    }
}
