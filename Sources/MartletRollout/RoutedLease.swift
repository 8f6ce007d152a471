/// What a route gives a call: the version that answers it, and now and then one whose answer is only compared.
package struct RoutedLease<Loaded: LoadedVersion>: Sendable {
    package let lease: Lease<Loaded>
    /// Set for the share of the calls that the route copies.
    package let shadow: (lease: Lease<Loaded>, recorder: ShadowRecorder)?

    init(_ lease: Lease<Loaded>, shadow: (lease: Lease<Loaded>, recorder: ShadowRecorder)? = nil) {
        self.lease = lease
        self.shadow = shadow
    }
}
