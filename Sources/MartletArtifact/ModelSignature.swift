internal import Foundation
package import MartletCore

/// An OpenSSF model-signing bundle, made with a key: who signed which files with which digests.
///
/// A Sigstore bundle (JSON) around a DSSE envelope around an in-toto statement whose predicate lists every file with
/// its SHA-256: what `model_signing sign key <folder>` of the package `model-signing` 1.x writes as `model.sig`. What
/// is signed decides; the bundle's own word on its key (`hint`) only picks among the keys. Bundles of certificates and
/// of Sigstore identities, in shards, or with other digests than SHA-256 are refused.
/// - SeeAlso: https://github.com/sigstore/model-transparency, https://github.com/secure-systems-lab/dsse (protocol.md)
package struct ModelSignature: Sendable {
    package static let fileName = "model.sig"

    private static let bundleType = "application/vnd.dev.sigstore.bundle.v0.3+json"
    private static let payloadType = "application/vnd.in-toto+json"
    private static let statementType = "https://in-toto.io/Statement/v1"
    private static let predicateType = "https://model_signing/signature/v1.0"

    private let payload: [UInt8]
    private let signature: [UInt8]
    private let keyHint: String

    /// Reads the bundle and its envelope; what is signed is read once a key has been found to hold.
    package init(parsing bytes: UnsafeRawBufferPointer, limits: Limits = Limits()) throws(MartletError) {
        guard bytes.count <= limits.signatureBytesMax else { throw ModelSignature.tooLarge(bytes.count, limits) }
        let bundle = try CanonicalJSON.decode(Bundle.self, from: bytes, file: ModelSignature.fileName)
        guard bundle.mediaType == ModelSignature.bundleType else {
            throw .unsigned("its media type is \(quoted(bundle.mediaType)), expected '\(ModelSignature.bundleType)'")
        }
        guard let envelope = bundle.dsseEnvelope, bundle.messageSignature == nil else {
            throw .unsigned("has no DSSE envelope, or a message signature beside it; expected one envelope")
        }
        guard let key = bundle.verificationMaterial.publicKey,
            bundle.verificationMaterial.certificate == nil,
            bundle.verificationMaterial.x509CertificateChain == nil
        else {
            throw .unsigned("was signed with a certificate or an identity; this program checks signatures of keys")
        }
        guard envelope.payloadType == ModelSignature.payloadType else {
            throw .unsigned(
                "its payload type is \(quoted(envelope.payloadType)), expected '\(ModelSignature.payloadType)'")
        }
        guard envelope.signatures.count == 1, let only = envelope.signatures.first else {
            throw .unsigned("has \(envelope.signatures.count) signatures, expected 1")
        }
        guard let payload = Base64.decoded(Array(envelope.payload.utf8)),
            let signature = Base64.decoded(Array(only.sig.utf8))
        else { throw .unsigned("its payload or signature is not base64") }
        self.payload = payload
        self.signature = signature
        keyHint = key.hint ?? ""
    }

    static func tooLarge(_ count: Int, _ limits: Limits) -> MartletError {
        .unsigned("has \(count) bytes, the limit signatureBytesMax is \(limits.signatureBytesMax)")
    }

    /// The key that signed the payload.
    /// - Throws: `.permissionDenied` when none of `keys` did.
    package func signer(among keys: [SignatureKey]) throws(MartletError) -> SignatureKey {
        let type = ModelSignature.payloadType
        // DSSE's pre-authentication encoding: what is signed is the payload with its type and both lengths.
        let message = Array("DSSEv1 \(type.utf8.count) \(type) \(payload.count) ".utf8) + payload
        if keyHint.isEmpty {
            guard let key = keys.first(where: { $0.signed(message, signature: signature) }) else {
                throw .unsigned("none of the \(keys.count) keys that count here signed it, or it was changed")
            }
            return key
        }
        guard let key = keys.first(where: { $0.hint == keyHint }) else {
            throw .unsigned(
                "was signed with key \(quoted(String(keyHint.prefix(16)))), which is none of the \(keys.count) that "
                    + "count here (\(keys.map { String($0.hint.prefix(16)) }.joined(separator: ", ")))")
        }
        guard key.signed(message, signature: signature) else {
            throw .unsigned("the signature is not key \(key.hint.prefix(16))'s over this payload: it was changed")
        }
        return key
    }

    /// Compares what is signed with what is there: every file exactly once with its digest, and nothing else.
    /// - Parameter present: SHA-256 in lower-case hex by the file's name.
    package func check(signs present: [String: String]) throws(MartletError) {
        var missing = present
        var named: Set<String> = []
        for resource in try resources() {
            guard named.insert(resource.name).inserted else {
                throw .unsigned("names \(quoted(resource.name)) twice")
            }
            guard let digest = present[resource.name] else {
                throw .unsigned("signs a file \(quoted(resource.name)), which this version does not have")
            }
            guard digest == resource.digest else {
                throw .unsigned(
                    "signs \(resource.name) with SHA-256 \(quoted(resource.digest)), this version's has \(digest): it "
                        + "was signed for another version, or the file was changed")
            }
            missing[resource.name] = nil
        }
        if let name = missing.keys.sorted().first {
            throw .unsigned("does not sign \(name), which this version has")
        }
    }

    /// What the statement lists, its own checks held: one subject, whose digest is that of all digests in order.
    private func resources() throws(MartletError) -> [Statement.Resource] {
        let statement: Statement = try payload.lendBytes { bytes throws(MartletError) in
            try CanonicalJSON.decode(Statement.self, from: bytes, file: "\(ModelSignature.fileName), its payload")
        }
        guard statement._type == ModelSignature.statementType else {
            throw .unsigned(
                "its statement is of type \(quoted(statement._type)), expected '\(ModelSignature.statementType)'")
        }
        guard statement.predicateType == ModelSignature.predicateType else {
            throw .unsigned(
                "its predicate is of type \(quoted(statement.predicateType)), expected "
                    + "'\(ModelSignature.predicateType)'")
        }
        let serialization = statement.predicate.serialization
        guard serialization.method == "files", serialization.hash_type == "sha256" else {
            throw .unsigned(
                "it lists \(quoted(serialization.method)) with \(quoted(serialization.hash_type)), expected whole "
                    + "files with SHA-256")
        }
        var digests: [UInt8] = []
        for resource in statement.predicate.resources {
            guard resource.algorithm == "sha256", isDigest(resource.digest) else {
                throw .unsigned("the digest of \(quoted(resource.name)) is not 64 lower-case hex digits of SHA-256")
            }
            digests += unhex(resource.digest)
        }
        guard statement.subject.count == 1, let subject = statement.subject.first else {
            throw .unsigned("has \(statement.subject.count) subjects, expected 1")
        }
        guard subject.digest.sha256 == sha256(digests) else {
            throw .unsigned("its subject's digest is not that of the files it lists")
        }
        return statement.predicate.resources
    }

    private func unhex(_ digest: String) -> [UInt8] {
        let values = digest.utf8.map { $0 < 0x3A ? $0 &- 0x30 : $0 &- 0x57 }
        return stride(from: 0, to: values.count - 1, by: 2).map { values[$0] << 4 | values[$0 + 1] }
    }

    // MARK: The JSON; fields that are not listed here say nothing about the files.

    private struct Bundle: Decodable {
        var mediaType: String
        var verificationMaterial: Material
        var dsseEnvelope: Envelope?
        var messageSignature: Anything?
    }

    private struct Material: Decodable {
        var publicKey: Key?
        var certificate: Anything?
        var x509CertificateChain: Anything?
    }

    private struct Key: Decodable { var hint: String? }

    private struct Envelope: Decodable {
        var payload: String
        var payloadType: String
        var signatures: [Signature]
    }

    private struct Signature: Decodable { var sig: String }

    /// A field of which only that it is there counts.
    private struct Anything: Decodable { init(from decoder: any Decoder) {} }

    private struct Statement: Decodable {
        var _type: String
        var subject: [Subject]
        var predicateType: String
        var predicate: Predicate

        struct Subject: Decodable { var digest: Digest }
        struct Digest: Decodable { var sha256: String }

        struct Predicate: Decodable {
            var serialization: Serialization
            var resources: [Resource]
        }

        struct Serialization: Decodable {
            var method: String
            var hash_type: String
        }

        struct Resource: Decodable {
            var name: String
            var algorithm: String
            var digest: String
        }
    }
}

extension MartletError {
    /// A version whose signature does not hold.
    static func unsigned(_ problem: String) -> MartletError {
        .refused(
            ModelSignature.fileName, problem, code: .permissionDenied,
            wayOut: "Sign the version's folder as it is: model_signing sign key FOLDER --signature FOLDER/model.sig.")
    }
}
