import MartletArtifact
import MartletCore

/// Public keys in files that the user named.
enum SignatureKeyFiles {
    /// - Parameter failing: the status when a file cannot be read or holds no key.
    static func policy(
        _ paths: [String], isRequired: Bool, failing status: ExitStatus
    ) throws(CommandFailure) -> SignaturePolicy {
        var policy = SignaturePolicy(isRequired: isRequired)
        for path in paths {
            do throws(MartletError) {
                policy.keys.append(try SignatureKey(pem: try text(path), name: "'\(path)'"))
            } catch {
                throw CommandFailure(status, "public key \(error.message)")
            }
        }
        return policy
    }

    /// Keys have a few hundred bytes; whatever is longer is none.
    private static func text(_ path: String) throws(MartletError) -> String {
        do throws(CommandFailure) {
            let descriptor = try InputFile.open(path)
            guard let bytes = InputFile.bytes(0..<65_536, of: descriptor) else {
                throw CommandFailure(.noInput, "'\(path)' cannot be read")
            }
            return String(decoding: bytes, as: UTF8.self)
        } catch {
            throw MartletError(.notFound, error.message ?? "'\(path)' cannot be read")
        }
    }
}
