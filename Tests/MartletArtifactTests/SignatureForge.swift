import Crypto
import Foundation
import MartletArtifact

/// Makes model-signing bundles in which every signature is right and the rest says what a test wants.
struct SignatureForge {
    var mediaType = "application/vnd.dev.sigstore.bundle.v0.3+json"
    var payloadType = "application/vnd.in-toto+json"
    var signedPayloadType = "application/vnd.in-toto+json"
    var statementType = "https://in-toto.io/Statement/v1"
    var predicateType = "https://model_signing/signature/v1.0"
    var method = "files"
    var hashType = "sha256"
    var subjects = 1
    /// Nil: the right one.
    var rootDigest: String?
    var resources: [(name: String, algorithm: String, digest: String)]
    var signatures = 1
    /// Put after the envelope's payload, such as a second one.
    var extraEnvelope = ""
    /// Put after the bundle's material.
    var extraBundle = ""
    var extraMaterial = ""
    /// Nil: the key's own.
    var hint: String?
    /// Changes the payload after it was signed.
    var tamper: (String) -> String = { $0 }

    /// Signs every file of a folder but `model.sig`.
    init(folder: URL) throws {
        let names = try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted()
        resources = try names.filter { $0 != ModelSignature.fileName }.map { name in
            (name, "sha256", sha256(try folder.bytes(name)))
        }
    }

    func bundle(by key: P256.Signing.PrivateKey) throws -> [UInt8] {
        var hash = SHA256()
        for resource in resources { hash.update(data: Self.unhex(resource.digest)) }
        let root = rootDigest ?? hash.finalize().map { String(format: "%02x", $0) }.joined()
        let subject = "{\"name\": \"1\", \"digest\": {\"sha256\": \"\(root)\"}}"
        let subjects = repeatElement(subject, count: subjects).joined(separator: ", ")
        let list = resources.map {
            "{\"name\": \"\($0.name)\", \"algorithm\": \"\($0.algorithm)\", \"digest\": \"\($0.digest)\"}"
        }
        let payload = """
            {"_type": "\(statementType)", "subject": [\(subjects)],
             "predicateType": "\(predicateType)", "predicate": {
             "serialization": {"method": "\(method)", "hash_type": "\(hashType)", "allow_symlinks": false},
             "resources": [\(list.joined(separator: ", "))]}}
            """
        let message = "DSSEv1 \(signedPayloadType.utf8.count) \(signedPayloadType) \(payload.utf8.count) \(payload)"
        let signature = try key.signature(for: Data(message.utf8)).derRepresentation.base64EncodedString()
        let one = "{\"sig\": \"\(signature)\", \"keyid\": \"\"}"
        let hint = try hint ?? SignatureKey(pem: key.publicKey.pemRepresentation, name: "test").hint
        return Array(
            """
            {"mediaType": "\(mediaType)",
             "verificationMaterial": {"publicKey": {"hint": "\(hint)"}\(extraMaterial), "tlogEntries": []}
             \(extraBundle),
             "dsseEnvelope": {"payload": "\(Data(tamper(payload).utf8).base64EncodedString())"\(extraEnvelope),
             "payloadType": "\(payloadType)",
             "signatures": [\(repeatElement(one, count: signatures).joined(separator: ", "))]}}
            """.utf8)
    }

    private static func unhex(_ text: String) -> Data {
        var bytes = Data()
        var rest = Substring(text)
        while rest.count >= 2 {
            bytes.append(UInt8(rest.prefix(2), radix: 16) ?? 0)
            rest = rest.dropFirst(2)
        }
        return bytes
    }
}
