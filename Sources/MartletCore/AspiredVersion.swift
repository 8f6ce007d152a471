/// A version that a source wants served.
package struct AspiredVersion: Hashable, Sendable {
    package let id: VersionID
    /// Where its loader finds it; opaque to the model manager.
    package let location: String
    /// Changes whenever the version's bytes may have changed. A failed version is tried again only when it does.
    package let fingerprint: String

    package init(id: VersionID, location: String, fingerprint: String) {
        self.id = id
        self.location = location
        self.fingerprint = fingerprint
    }
}
