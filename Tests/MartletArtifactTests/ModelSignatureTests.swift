import Crypto
import Foundation
import MartletArtifact
import MartletCore
import Testing

/// Bundles that the package `model-signing` made (Tools/fixtures/make_signature_fixtures.py), and forged ones.
@Suite("ModelSignature")
struct ModelSignatureTests {
    private static func fixture(_ name: String) throws -> URL {
        try #require(Bundle.module.resourceURL).appending(path: "Fixtures/signatures/\(name)")
    }

    private static func key(_ name: String) throws -> SignatureKey {
        try SignatureKey(pem: String(contentsOf: fixture("\(name).pub"), encoding: .utf8), name: name)
    }

    /// The digests of the fixtures' folder.
    private static func digests() throws -> [String: String] {
        let folder = try fixture("files")
        var digests: [String: String] = [:]
        for name in try FileManager.default.contentsOfDirectory(atPath: folder.path) {
            digests[name] = sha256(try folder.bytes(name))
        }
        return digests
    }

    /// What is said against `bundle`; nil when it holds.
    private static func problem(
        _ bundle: [UInt8], keys: [SignatureKey], digests: [String: String], limits: Limits = Limits()
    ) -> MartletError? {
        do throws(MartletError) {
            let result: Result<Void, MartletError> = bundle.withUnsafeBytes { bytes in
                Result { () throws(MartletError) in
                    let signature = try ModelSignature(parsing: bytes, limits: limits)
                    _ = try signature.signer(among: keys)
                    try signature.check(signs: digests)
                }
            }
            try result.get()
            return nil
        } catch {
            return error
        }
    }

    private static func problem(
        _ name: String, keys: [String], change: (inout [String: String]) -> Void = { _ in }
    ) throws -> String? {
        var digests = try digests()
        change(&digests)
        let bundle = Array(try Data(contentsOf: fixture("\(name).sig")))
        return problem(bundle, keys: try keys.map(key), digests: digests)?.message
    }

    @Test("takes what model-signing signed, on each curve", arguments: ["p256", "p384", "p521"])
    func takes(curve: String) throws {
        #expect(try Self.problem(curve, keys: [curve]) == nil)
        #expect(try Self.problem(curve, keys: ["stranger", "p256", "p384", "p521"]) == nil)
        let others = ["stranger", "p256", "p384", "p521"].filter { $0 != curve }
        #expect(try #require(try Self.problem(curve, keys: others)).contains("none of the 3 that count here"))
    }

    @Test("takes a bundle that does not name its key, when one of the keys signed it")
    func withoutHint() throws {
        #expect(try Self.problem("compat", keys: ["p384", "stranger", "p256"]) == nil)
        let message = try #require(try Self.problem("compat", keys: ["stranger", "p521"]))
        #expect(message.contains("none of the 2 keys that count here signed it"))
    }

    @Test("refuses what model-signing makes and this program does not read, with the reason", arguments: [
        ("other", "signs a file 'LICENCE', which this version does not have"),
        ("ignoring", "does not sign LICENSE, which this version has"),
        ("sharded", "expected whole files with SHA-256"),
        ("blake2", "expected whole files with SHA-256"),
    ])
    func refuses(name: String, reason: String) throws {
        let message = try #require(try Self.problem(name, keys: ["p256"]))
        #expect(message.hasPrefix("model.sig: ") && message.contains(reason), "\(message)")
    }

    @Test("refuses a folder with a file more, a file less, another name and other bytes")
    func otherFolders() throws {
        let more = try Self.problem("p256", keys: ["p256"]) { $0["more.txt"] = sha256([]) }
        #expect(try #require(more).contains("does not sign more.txt, which this version has"))
        let less = try Self.problem("p256", keys: ["p256"]) { $0["LICENSE"] = nil }
        #expect(try #require(less).contains("signs a file 'LICENSE', which this version does not have"))
        let renamed = try Self.problem("p256", keys: ["p256"]) { $0["license"] = $0.removeValue(forKey: "LICENSE") }
        #expect(try #require(renamed).contains("'LICENSE'"))
        let changed = try Self.problem("p256", keys: ["p256"]) { $0["LICENSE"] = sha256([1]) }
        #expect(try #require(changed).contains("signs LICENSE with SHA-256"))
    }

    struct Lie: CustomTestStringConvertible, Sendable {
        let reason: String
        let tell: @Sendable (inout SignatureForge) -> Void

        init(_ reason: String, _ tell: @escaping @Sendable (inout SignatureForge) -> Void) {
            self.reason = reason
            self.tell = tell
        }

        var testDescription: String { reason }
    }

    static let lies: [Lie] = [
        Lie("has the key 'payload' twice") { $0.extraEnvelope = ", \"payload\": \"e30=\"" },
        Lie("has 2 signatures, expected 1") { $0.signatures = 2 },
        Lie("has 0 signatures, expected 1") { $0.signatures = 0 },
        Lie("a message signature beside it") { $0.extraBundle = ", \"messageSignature\": {}" },
        Lie("signed with a certificate") { $0.extraMaterial = ", \"certificate\": {\"rawBytes\": \"\"}" },
        Lie("its media type is") { $0.mediaType = "application/json" },
        Lie("its payload type is") { $0.payloadType = "text/plain" },
        Lie("is not key") { $0.signedPayloadType = "text/plain" },
        Lie("is not key") { $0.tamper = { $0.replacingOccurrences(of: "false", with: "true ") } },
        Lie("none of the 1 that count here") { $0.hint = String(repeating: "0", count: 64) },
        Lie("its statement is of type") { $0.statementType = "https://in-toto.io/Statement/v0.1" },
        Lie("its predicate is of type 'https://model_signing/Digests/v0.1'") {
            $0.predicateType = "https://model_signing/Digests/v0.1"
        },
        Lie("it lists 'shards'") { $0.method = "shards" },
        Lie("with 'blake3'") { $0.hashType = "blake3" },
        Lie("has 2 subjects") { $0.subjects = 2 },
        Lie("has 0 subjects") { $0.subjects = 0 },
        Lie("its subject's digest is not that of the files") { $0.rootDigest = String(repeating: "a", count: 64) },
        Lie("names 'LICENSE' twice") { $0.resources.append($0.resources[0]) },
        Lie("does not sign") { $0.resources = [] },
        Lie("is not 64 lower-case hex digits") { $0.resources[0].digest = "00" },
        Lie("is not 64 lower-case hex digits") { $0.resources[0].digest = $0.resources[0].digest.uppercased() },
        Lie("is not 64 lower-case hex digits") { $0.resources[0].algorithm = "blake2b" },
        Lie("signs a file './LICENSE'") { $0.resources[0].name = "./LICENSE" },
        Lie("signs a file 'model.sig'") { $0.resources.append(("model.sig", "sha256", sha256([]))) },
    ]

    @Test("refuses each lie with its own reason, though its signature is right", arguments: lies)
    func refuses(lie: Lie) throws {
        let key = P256.Signing.PrivateKey()
        var forge = try SignatureForge(folder: Self.fixture("files"))
        let keys = [try SignatureKey(pem: key.publicKey.pemRepresentation, name: "test")]
        #expect(Self.problem(try forge.bundle(by: key), keys: keys, digests: try Self.digests()) == nil)
        lie.tell(&forge)
        let error = try #require(Self.problem(try forge.bundle(by: key), keys: keys, digests: try Self.digests()))
        #expect(error.message.hasPrefix("model.sig"))
        #expect(error.message.contains(lie.reason), "\(error.message)")
    }

    @Test("refuses every prefix of a bundle, and every one with a flipped bit that counts")
    func damage() throws {
        let bundle = Array(try Data(contentsOf: Self.fixture("p256.sig")))
        let keys = [try Self.key("p256")]
        let digests = try Self.digests()
        for length in 0..<bundle.count {
            #expect(Self.problem(Array(bundle.prefix(length)), keys: keys, digests: digests) != nil, "\(length)")
        }
        let envelope = try #require(String(decoding: bundle, as: UTF8.self).range(of: "\"payload\":\""))
        let start = String(decoding: bundle, as: UTF8.self)[..<envelope.upperBound].utf8.count
        // The payload's base64, then its type and the signature: all of it is signed or the signature itself.
        let end = try #require(String(decoding: bundle, as: UTF8.self).range(of: "\",\"keyid\""))
        let length = String(decoding: bundle, as: UTF8.self)[..<end.lowerBound].utf8.count
        for place in start..<length {
            var damaged = bundle
            damaged[place] ^= 1 << UInt8(place % 7)
            #expect(Self.problem(damaged, keys: keys, digests: digests) != nil, "\(place)")
        }
    }

    @Test("refuses garbage, depth bombs and what is larger than the limit", arguments: [
        "", "{}", "[]", "null", "{\"mediaType\": 1}", String(repeating: "[", count: 100_000), "\u{0}\u{1}",
        "{\"mediaType\": \"application/vnd.dev.sigstore.bundle.v0.3+json\", \"verificationMaterial\": {}}",
    ])
    func garbage(text: String) throws {
        let error = try #require(
            Self.problem(Array(text.utf8), keys: [try Self.key("p256")], digests: try Self.digests()))
        #expect(error.message.hasPrefix("model.sig: "))
        var limits = Limits()
        limits.signatureBytesMax = 1_000
        let large = Self.problem(
            Array(try Data(contentsOf: Self.fixture("p256.sig"))), keys: [], digests: [:], limits: limits)
        #expect(try #require(large).message.contains("the limit signatureBytesMax is 1000"))
    }

    @Test("refuses keys that are none, private ones first of all", arguments: [
        ("", "is no public key"), ("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----", "is no public key"),
        (P256.Signing.PrivateKey().pemRepresentation, "is a private key"),
        // A curve that is not taken, and Ed25519.
        (
            """
            -----BEGIN PUBLIC KEY-----
            MFYwEAYHKoZIzj0CAQYFK4EEAAoDQgAEw4gBxyiJnj3xF5krnMNaBkxLE8kCAt1i
            6QuLo9VqL+L8yXesx4BqSrPZmae8dYXfY4ukbEhkBj4VC2RlEGJh6A==
            -----END PUBLIC KEY-----
            """, "is no public key"
        ),
        (
            """
            -----BEGIN PUBLIC KEY-----
            MCowBQYDK2VwAyEACnxRGv/N7UFAC7VIv8myW347dVSZZ3Kcv3fZi9WouB8=
            -----END PUBLIC KEY-----
            """, "is no public key"
        ),
    ])
    func wrongKeys(pem: String, reason: String) {
        let error = #expect(throws: MartletError.self) { try SignatureKey(pem: pem, name: "'x.pem'") }
        #expect(error?.message.hasPrefix("'x.pem': \(reason)") == true, "\(error?.message ?? "")")
    }
}
