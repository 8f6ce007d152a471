internal import MartletCore

/// Whose signatures count, and whether a version without one is refused.
package struct SignaturePolicy: Sendable {
    package var keys: [SignatureKey]
    /// False: a version without `model.sig` is taken, one with a wrong `model.sig` is not.
    package var isRequired: Bool

    /// Without keys a `model.sig` says nothing and is not looked into.
    package init(keys: [SignatureKey] = [], isRequired: Bool = false) {
        self.keys = keys
        self.isRequired = isRequired
    }

    var asksForSignatures: Bool { !keys.isEmpty || isRequired }

    /// - Parameters:
    ///   - bundle: `model.sig`; nil when there is none.
    ///   - digest: SHA-256 of the manifest's file.
    /// - Returns: what was found, for people; nil when signatures do not count.
    /// - Throws: `.permissionDenied` when nobody whose key counts signed exactly this version.
    func check(
        _ bundle: UnsafeRawBufferPointer?, signs manifest: Manifest, digest: String, _ limits: Limits
    ) throws(MartletError) -> String? {
        guard asksForSignatures else { return nil }
        guard let bundle else {
            guard !isRequired else {
                throw .unsigned("is missing, and versions without a signature are refused here")
            }
            return "none, and none is required"
        }
        let signature = try ModelSignature(parsing: bundle, limits: limits)
        let key = try signature.signer(among: keys)
        var digests = [Manifest.fileName: digest]
        for file in manifest.files { digests[file.name] = file.sha256 }
        try signature.check(signs: digests)
        return "of \(manifest.files.count + 1) files by key \(key.hint.prefix(16))"
    }
}
