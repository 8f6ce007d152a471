internal import Crypto
internal import Foundation
package import MartletCore

/// A public key that versions may be signed with: ECDSA on P-256, P-384 or P-521, as `model_signing sign key` uses.
package struct SignatureKey: Sendable {
    private enum Curve {
        case p256(P256.Signing.PublicKey)
        case p384(P384.Signing.PublicKey)
        case p521(P521.Signing.PublicKey)
    }

    private let curve: Curve
    /// What a bundle says of its key: SHA-256 of the key in PEM, in lower-case hex.
    package let hint: String

    /// - Parameters:
    ///   - text: one public key in PEM (`-----BEGIN PUBLIC KEY-----`).
    ///   - name: the file's name for messages.
    /// - Throws: `.invalidArgument` when it is anything else.
    package init(pem text: String, name: String) throws(MartletError) {
        guard !text.contains("PRIVATE KEY-----") else {
            throw MartletError(
                .invalidArgument,
                "\(name): is a private key; give the public one alone: openssl ec -in KEY -pubout")
        }
        let pem = text.trimmingCharacters(in: .whitespacesAndNewlines)
        let der: Data
        if let key = try? P256.Signing.PublicKey(pemRepresentation: pem) {
            curve = .p256(key)
            der = key.derRepresentation
        } else if let key = try? P384.Signing.PublicKey(pemRepresentation: pem) {
            curve = .p384(key)
            der = key.derRepresentation
        } else if let key = try? P521.Signing.PublicKey(pemRepresentation: pem) {
            curve = .p521(key)
            der = key.derRepresentation
        } else {
            throw MartletError(
                .invalidArgument,
                "\(name): is no public key in PEM on one of the curves P-256, P-384 and P-521: openssl ec -in KEY "
                    + "-pubout")
        }
        // The text that the package `cryptography` writes for a key, whatever form this one was read from.
        let base64 = Base64.encoded(der, padded: true)
        let lines = stride(from: 0, to: base64.count, by: 64).map { start in
            String(decoding: base64[start..<min(start + 64, base64.count)], as: UTF8.self)
        }
        let written = (["-----BEGIN PUBLIC KEY-----"] + lines + ["-----END PUBLIC KEY-----", ""])
            .joined(separator: "\n")
        hint = sha256(written.utf8)
    }

    /// Whether `signature`, in DER, is this key's over `message`. The digest is SHA-256, 384 or 512, by the curve.
    func signed(_ message: [UInt8], signature: [UInt8]) -> Bool {
        switch curve {
        case .p256(let key):
            (try? P256.Signing.ECDSASignature(derRepresentation: signature))
                .map { key.isValidSignature($0, for: message) } ?? false
        case .p384(let key):
            (try? P384.Signing.ECDSASignature(derRepresentation: signature))
                .map { key.isValidSignature($0, for: message) } ?? false
        case .p521(let key):
            (try? P521.Signing.ECDSASignature(derRepresentation: signature))
                .map { key.isValidSignature($0, for: message) } ?? false
        }
    }
}
