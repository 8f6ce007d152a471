package import MartletCore
internal import NIOSSL
internal import Synchronization

/// The certificate that new connections are shown. It can be replaced while the server runs: connections keep theirs.
package final class ServerTLS: Sendable {
    /// What is known about a certificate that was taken.
    package struct Facts: Sendable, Hashable {
        /// Seconds since 1970 after which clients refuse it.
        package var expires: Int
        /// Clients must show a certificate.
        package var requiresClientCertificate: Bool
    }

    private let identity: TLSIdentity
    private let current: Mutex<(context: NIOSSLContext, facts: Facts)>

    /// Reads the files.
    /// - Throws: `.invalidArgument` naming the file by what it is for, and the way out.
    package init(_ identity: TLSIdentity) throws(MartletError) {
        self.identity = identity
        current = Mutex(try Self.load(identity))
    }

    package var facts: Facts { current.withLock { $0.facts } }

    var context: NIOSSLContext { current.withLock { $0.context } }

    /// Reads the files again.
    /// - Throws: as `init`; the certificate in use then stays.
    package func reload() throws(MartletError) {
        let loaded = try Self.load(identity)
        current.withLock { $0 = loaded }
    }

    private static func load(_ identity: TLSIdentity) throws(MartletError) -> (context: NIOSSLContext, facts: Facts) {
        let chain = try certificates(identity.certificateFile, "certificate file")
        guard let leaf = chain.first else {
            throw unreadable("certificate file", holds: "a PEM certificate", cause: nil)
        }
        let key: NIOSSLPrivateKey
        do {
            key = try NIOSSLPrivateKey(file: identity.keyFile, format: .pem)
        } catch {
            throw unreadable("key file", holds: "an unencrypted PEM private key", cause: error)
        }
        var configuration = TLSConfiguration.makeServerConfiguration(
            certificateChain: chain.map { .certificate($0) }, privateKey: .privateKey(key))
        configuration.minimumTLSVersion = .tlsv12
        configuration.applicationProtocols = ["h2", "http/1.1"]
        if let file = identity.clientAuthorityFile {
            configuration.trustRoots = .certificates(try certificates(file, "client authority file"))
            configuration.certificateVerification =
                identity.isClientCertificateOptional ? .optionalVerification : .noHostnameVerification
        }
        do {
            let context = try NIOSSLContext(configuration: configuration)
            let facts = Facts(
                expires: Int(leaf.notValidAfter),
                requiresClientCertificate: identity.clientAuthorityFile != nil && !identity.isClientCertificateOptional)
            return (context, facts)
        } catch {
            throw MartletError(
                .invalidArgument, "the TLS key does not belong to the certificate; give the key it was made with",
                cause: error)
        }
    }

    private static func certificates(_ file: String, _ role: String) throws(MartletError) -> [NIOSSLCertificate] {
        do {
            let certificates = try NIOSSLCertificate.fromPEMFile(file)
            guard !certificates.isEmpty else { throw unreadable(role, holds: "a PEM certificate", cause: nil) }
            return certificates
        } catch let error as MartletError {
            throw error
        } catch {
            throw unreadable(role, holds: "PEM certificates", cause: error)
        }
    }

    private static func unreadable(_ role: String, holds content: String, cause: (any Error)?) -> MartletError {
        MartletError(
            .invalidArgument, "the TLS \(role) cannot be read; it must be readable and hold \(content)", cause: cause)
    }
}
