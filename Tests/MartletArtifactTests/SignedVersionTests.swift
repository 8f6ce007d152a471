import Crypto
import Foundation
import Glibc
import MartletArtifact
import MartletCore
import Testing

@Suite("Signed versions")
struct SignedVersionTests {
    let tiny: TinyArtifact
    let key = P256.Signing.PrivateKey()

    init() throws { tiny = try TinyArtifact() }

    private func policy(required: Bool = true) throws -> SignaturePolicy {
        SignaturePolicy(
            keys: [try SignatureKey(pem: key.publicKey.pemRepresentation, name: "test")], isRequired: required)
    }

    private func problem(_ folder: URL, _ policy: SignaturePolicy, limits: Limits = Limits()) -> MartletError? {
        do throws(MartletError) {
            _ = try ArtifactReader(limits: limits, signatures: policy).read(folder: folder.path)
            return nil
        } catch {
            return error
        }
    }

    private func signed(by key: P256.Signing.PrivateKey? = nil) throws -> URL {
        let folder = try tiny.published()
        try folder.put("model.sig", try SignatureForge(folder: folder).bundle(by: key ?? self.key))
        return folder
    }

    @Test("takes a version that was signed as it is, and says so among the steps")
    func takes() throws {
        let folder = try signed()
        #expect(problem(folder, try policy()) == nil)
        let verification = ArtifactVerification(folder: folder.path, reader: ArtifactReader(signatures: try policy()))
        #expect(verification.holds)
        #expect(verification.checks.map(\.name).prefix(3) == ["folder", "manifest", "signature"])
        #expect(verification.checks[2].detail.hasPrefix("of 4 files by key "))
    }

    @Test("takes an unsigned version unless signatures are required, a wrong one never")
    func unsigned() throws {
        let folder = try tiny.published()
        #expect(problem(folder, try policy(required: false)) == nil)
        let error = try #require(problem(folder, try policy()))
        #expect(error.code == .permissionDenied)
        #expect(error.message.hasPrefix("model.sig: is missing, and versions without a signature are refused here"))
        try folder.put("model.sig", try SignatureForge(folder: folder).bundle(by: P256.Signing.PrivateKey()))
        let stranger = try #require(problem(folder, try policy(required: false)))
        #expect(stranger.message.contains("which is none of the 1 that count here"))
    }

    @Test("refuses another version's bundle, and a version that was changed and whose manifest was made again")
    func changed() throws {
        let folder = try signed()
        let bundle = try folder.bytes("model.sig")
        try folder.replace("tokenizer.json", Array("{\"not\": \"looked at!\"}".utf8))
        #expect(problem(folder, SignaturePolicy()) == nil)
        let error = try #require(problem(folder, try policy()))
        #expect(error.message.contains("signs manifest.json with SHA-256"))
        try ArtifactWriter().publish(TinyArtifact.draft(seed: 2), to: tiny.root.path, name: tiny.model, version: 2)
        try tiny.folder(2).put("model.sig", bundle)
        #expect(try #require(problem(tiny.folder(2), try policy())).message.contains("signed for another version"))
    }

    @Test("refuses a file beside what was signed, listed or not")
    func extraFile() throws {
        let folder = try signed()
        try folder.put("more.txt", [1])
        #expect(try #require(problem(folder, try policy())).message.hasPrefix("'more.txt': is not listed"))
        try folder.editManifest { $0.files.append(.init(name: "more.txt", bytes: 1, sha256: sha256([1]))) }
        #expect(try #require(problem(folder, try policy())).message.hasPrefix("model.sig: signs manifest.json"))
        // Signed manifest and all, but not this file.
        var forge = try SignatureForge(folder: folder)
        forge.resources.removeAll { $0.name == "more.txt" }
        try folder.put("model.sig", try forge.bundle(by: key))
        #expect(try #require(problem(folder, try policy())).message.contains("does not sign more.txt"))
    }

    @Test("looks into no bundle without keys, yet takes nothing but a regular file for one")
    func withoutKeys() throws {
        let folder = try tiny.published()
        try folder.put("model.sig", Array("garbage".utf8))
        #expect(problem(folder, SignaturePolicy()) == nil)
        #expect(problem(folder, try policy(required: false)) != nil)
        let path = folder.appendingPathComponent("model.sig").path
        unlink(path)
        symlink("manifest.json", path)
        #expect(try #require(problem(folder, SignaturePolicy())).message.hasPrefix("model.sig: is a symbolic link"))
        unlink(path)
        mkfifo(path, 0o644)
        #expect(try #require(problem(folder, SignaturePolicy())).message.hasPrefix("model.sig: is a FIFO"))
    }

    @Test("refuses a bundle above its limit without reading it")
    func tooLarge() throws {
        let folder = try signed()
        var limits = Limits()
        limits.signatureBytesMax = 1_000
        let error = try #require(problem(folder, try policy(), limits: limits))
        #expect(error.message.contains("the limit signatureBytesMax is 1000"))
    }

    @Test("refuses a manifest that lists its own signature")
    func listed() throws {
        let folder = try signed()
        let bundle = try folder.bytes("model.sig")
        try folder.editManifest {
            $0.files.append(.init(name: "model.sig", bytes: bundle.count, sha256: sha256(bundle)))
        }
        #expect(try #require(problem(folder, SignaturePolicy())).message.contains("lists model.sig"))
    }

    @Test("publishes the signature with the version, and refuses an upload without one where it is required")
    func publishes() throws {
        let folder = try signed()
        let target = tiny.root.appendingPathComponent("target")
        let publisher = VersionPublisher(root: target.path, signatures: try policy())
        _ = try publisher.copy(from: folder.path)
        #expect(problem(target.appendingPathComponent("tiny/1"), try policy()) == nil)
        let manifest = try folder.bytes("manifest.json")
        let error = #expect(throws: MartletError.self) {
            try VersionPublisher(root: target.path + "-2", signatures: try policy()).begin(manifest: manifest)
        }
        #expect(error?.code == .permissionDenied)
        #expect(!FileManager.default.fileExists(atPath: target.path + "-2"))
        // The same version with another signature is another thing.
        let other = try SignatureForge(folder: folder).bundle(by: key)
        let again = #expect(throws: MartletError.self) { try publisher.begin(manifest: manifest, signature: other) }
        #expect(again?.code == .alreadyExists && again?.message.contains("another model.sig") == true)
        #expect(throws: Never.self) { try VersionPublisher(root: target.path).begin(manifest: manifest) }
        // Under another number the manifest is another, and what signed the old one stays behind.
        let renamed = try VersionPublisher(root: target.path).copy(from: folder.path, version: 2)
        #expect(renamed.id.number == 2)
        #expect(!FileManager.default.fileExists(atPath: target.path + "/tiny/2/model.sig"))
    }
}
