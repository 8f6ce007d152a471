package import MartletCore

/// Keeps one version in memory for as long as it is held. Ends at deinit; hold it no longer than the call.
package final class Lease<Loaded: LoadedVersion>: Sendable {
    /// What answers, for the answer to name.
    package let identity: ModelIdentity
    private let residence: Residence<Loaded>
    private let number: UInt64
    private let isUse: Bool

    /// Nil when the version began to drain.
    init?(of residence: Residence<Loaded>, label: String) {
        guard let number = residence.beginLease() else { return nil }
        self.residence = residence
        self.number = number
        isUse = true
        identity = ModelIdentity(
            name: residence.id.model, version: residence.id.number, label: label, digest: residence.status.digest)
    }

    /// To look at a version that may be draining: nil when no call holds it any more.
    init?(inspecting residence: Residence<Loaded>) {
        guard let number = residence.beginLease(evenDraining: true) else { return nil }
        self.residence = residence
        self.number = number
        isUse = false
        identity = ModelIdentity(
            name: residence.id.model, version: residence.id.number, digest: residence.status.digest)
    }

    deinit { residence.endLease(number, isUse: isUse) }

    /// The version. Use it while the lease is held and store it nowhere: the lease is what keeps its memory accounted.
    package var loaded: Loaded { residence.leased }

    /// True once the version was asked to leave longer than the drain limit ago: end soon, with `revocationError`.
    package var isRevoked: Bool { residence.isRevoked }

    /// Runs `action` once when the lease is revoked, at once if it is already; on any thread, so do little.
    package func whenRevoked(_ action: @escaping @Sendable () -> Void) {
        residence.whenRevoked(lease: number, action)
    }

    package var revocationError: MartletError {
        MartletError(
            .unavailable,
            "version \(identity.version) of \(identity.name) was unloaded and the call ran past the drain limit; "
                + "send it again")
    }
}
