import Dispatch
import Foundation
import Logging
import MartletCore
import MartletTransport

/// Reads the TLS files, and the file of `modelsConfig`, again on SIGHUP. Connections keep the certificate they began
/// with; files that do not hold leave what is in use. Without either there is nothing to read, and a server does not end
/// by a SIGHUP either.
final class HangupReload: Sendable {
    private nonisolated(unsafe) let source: any DispatchSourceSignal  // safe: only kept alive and cancelled

    /// - Parameters:
    ///   - tls: nil for a server without TLS.
    ///   - models: nil for a server without `modelsConfig`.
    init(tls: ServerTLS?, models: ModelsFileReload?, logger: Logger) {
        signal(SIGHUP, SIG_IGN)
        source = DispatchSource.makeSignalSource(signal: SIGHUP, queue: DispatchQueue(label: "martlet.hangup"))
        source.setEventHandler { @Sendable in
            if tls == nil, models == nil {
                logger.notice(
                    """
                    SIGHUP: nothing to read again, because this server has neither TLS files nor modelsConfig; models \
                    are followed anyway
                    """)
            }
            models?.ask()
            guard let tls else { return }
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
