import Dispatch
import Foundation
import Logging
import MartletCore
import MartletTransport

/// Reads the TLS files again on SIGHUP. Connections keep the certificate they began with; files that do not hold leave
/// the one in use. Without TLS there is nothing to read, and a server does not end by a SIGHUP either.
final class CertificateReload: Sendable {
    private nonisolated(unsafe) let source: any DispatchSourceSignal  // safe: only kept alive and cancelled

    /// - Parameter tls: nil for a server without TLS.
    init(tls: ServerTLS?, logger: Logger) {
        signal(SIGHUP, SIG_IGN)
        source = DispatchSource.makeSignalSource(signal: SIGHUP, queue: DispatchQueue(label: "martlet.certificate"))
        source.setEventHandler { @Sendable in
            guard let tls else {
                logger.notice(
                    "SIGHUP: nothing to read again, because this server has no TLS files; models are followed anyway")
                return
            }
            do throws(MartletError) {
                try tls.reload()
                Self.announce(tls, "TLS certificate read again", to: logger)
            } catch {
                logger.error(
                    "the new TLS certificate is not taken, the old one stays", metadata: ["reason": "\(error.message)"])
            }
        }
        source.activate()
    }

    func stop() { source.cancel() }

    /// A certificate that is over, or soon will be, is worth more than a line among many.
    static func announce(_ tls: ServerTLS, _ what: String, to logger: Logger) {
        let days = (tls.facts.expires - Int(Date().timeIntervalSince1970)) / 86_400
        logger.log(
            level: days < 14 ? .warning : .info, "\(what)",
            metadata: [
                "daysLeft": "\(days)",
                "clients": tls.facts.requiresClientCertificate ? "with a certificate only" : "any",
            ])
    }
}
