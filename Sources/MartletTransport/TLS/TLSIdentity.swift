/// Where a server's certificate and key stand, and whose clients it takes.
package struct TLSIdentity: Sendable, Hashable {
    /// PEM: the server's certificate, then those that lead from it to the authority clients trust.
    package var certificateFile: String
    /// PEM, without a passphrase.
    package var keyFile: String
    /// PEM: the authorities of client certificates. Nil: clients need none.
    package var clientAuthorityFile: String?
    /// With authorities: whether a client without a certificate is taken.
    package var isClientCertificateOptional: Bool

    package init(
        certificateFile: String, keyFile: String, clientAuthorityFile: String? = nil,
        isClientCertificateOptional: Bool = false
    ) {
        self.certificateFile = certificateFile
        self.keyFile = keyFile
        self.clientAuthorityFile = clientAuthorityFile
        self.isClientCertificateOptional = isClientCertificateOptional
    }
}
