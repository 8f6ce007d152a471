internal import MartletCore

/// A route made ready to choose by: which of its versions answers a call, and which one gets a copy.
struct RouteChoice<Loaded: LoadedVersion>: Sendable {
    private struct Share {
        /// Nil while the version is not ready.
        let residence: Residence<Loaded>?
        /// Where it ends among all weights, laid end to end.
        let end: UInt64
    }

    let route: ModelRoute
    /// Of the route's shadow.
    let recorder: ShadowRecorder?
    /// Newest version first: a share that grows keeps the values it had.
    private let shares: [Share]
    /// The same, of versions that are ready alone.
    private let readyShares: [Share]
    private let sticky: StableHash
    private let shadow: (residence: Residence<Loaded>, bound: UInt64)?

    /// - Parameter ready: versions that may answer.
    init(_ route: ModelRoute, model: String, ready: [Int: Residence<Loaded>], recorder: ShadowRecorder?) {
        self.route = route
        self.recorder = recorder
        let targets = route.targets.sorted { $0.version > $1.version }
        shares = Self.lay(targets, ready)
        readyShares = Self.lay(targets.filter { ready[$0.version] != nil }, ready)
        var sticky = StableHash()
        sticky.add(model.utf8)
        self.sticky = sticky
        shadow = route.shadow.flatMap { shadow in
            ready[shadow.version].map { ($0, Self.bound(ofPercent: shadow.percent)) }
        }
    }

    /// The version that answers a call with `metadata`; nil when none is ready.
    func target(for metadata: CallMetadata, _ chance: Chance) -> Residence<Loaded>? {
        guard readyShares.count > 1 || shares.count != readyShares.count else { return readyShares.first?.residence }
        guard !readyShares.isEmpty else { return nil }
        let number = stickyNumber(metadata) ?? chance.next()
        // First among all: whom a ready version answers, it goes on answering while another one is not ready.
        if let chosen = Self.share(at: number, of: shares)?.residence { return chosen }
        return Self.share(at: Chance.mix(number), of: readyShares)?.residence
    }

    /// The version that answers a call for comparison too; never the one that answers it.
    func shadow(beside answering: Residence<Loaded>, _ chance: Chance) -> (Residence<Loaded>, ShadowRecorder)? {
        guard let shadow, let recorder, shadow.residence !== answering, chance.next() <= shadow.bound else {
            return nil
        }
        return (shadow.residence, recorder)
    }

    private func stickyNumber(_ metadata: CallMetadata) -> UInt64? {
        guard !route.stickyKey.isEmpty,
            let value = metadata.entries.last(where: { $0.name == route.stickyKey })?.value
        else { return nil }
        var hash = sticky
        hash.add(value)
        return hash.value
    }

    private static func lay(_ targets: [ModelRoute.Target], _ ready: [Int: Residence<Loaded>]) -> [Share] {
        var end: UInt64 = 0
        return targets.map { target in
            end &+= UInt64(clamping: target.weight)
            return Share(residence: ready[target.version], end: end)
        }
    }

    /// - Parameter number: any; 0 lies in the first share, the largest number in the last.
    private static func share(at number: UInt64, of shares: [Share]) -> Share? {
        guard let total = shares.last?.end else { return nil }
        let place = number.multipliedFullWidth(by: total).high
        return shares.first { place < $0.end }
    }

    private static func bound(ofPercent percent: Double) -> UInt64 {
        // Not above .max: 2^64 itself has no place in 64 bits.
        percent >= 100 ? .max : UInt64(max(0, percent) / 100 * 0x1p64)
    }
}
