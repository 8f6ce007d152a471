/// Where a version label leads: one version, or several that share its calls; and who gets a copy of them.
///
/// A plain label is a route with one target. The route of the label `latest` is what calls get that name the model
/// alone; without one they get the highest ready version.
public struct ModelRoute: Sendable, Hashable, Codable {
    public struct Target: Sendable, Hashable, Codable {
        public var version: Int
        /// 1 to 1 000 000; what counts is its share of all weights.
        public var weight: Int

        public init(version: Int, weight: Int) {
            self.version = version
            self.weight = weight
        }
    }

    /// A copy of the calls, answered by another version as well. Its answers are compared and thrown away.
    public struct Shadow: Sendable, Hashable, Codable {
        public var version: Int
        /// Share of the calls that are copied, above 0 up to 100.
        public var percent: Double

        public init(version: Int, percent: Double) {
            self.version = version
            self.percent = percent
        }
    }

    /// Targets of one route at most.
    package static let targetsMax = 16

    /// 1 to `targetsMax`, no version twice.
    public var targets: [Target]
    /// Name of the metadata entry or header, in lower case, whose value decides the target: the same value gets the
    /// same version, and a version whose weight grows keeps the values it had. Empty: by chance. A call without the
    /// entry is decided by chance too.
    public var stickyKey: String
    public var shadow: Shadow?

    public init(targets: [Target], stickyKey: String = "", shadow: Shadow? = nil) {
        self.targets = targets
        self.stickyKey = stickyKey
        self.shadow = shadow
    }

    /// All calls to one version.
    public init(to version: Int) { self.init(targets: [Target(version: version, weight: 1)]) }

    /// The versions it names, each once, the shadow's included.
    public var versions: Set<Int> { Set(targets.map(\.version) + [shadow?.version].compactMap { $0 }) }
}

/// A route as it is, and what its shadow has shown.
public struct RouteStatus: Sendable, Hashable {
    public var name: String
    /// `latest` for calls that name the model alone.
    public var label: String
    public var route: ModelRoute
    /// Nil without a shadow.
    public var comparison: ShadowComparison?

    public init(name: String, label: String, route: ModelRoute, comparison: ShadowComparison? = nil) {
        self.name = name
        self.label = label
        self.route = route
        self.comparison = comparison
    }
}

/// The answers of a shadow beside those the callers got, counted since the shadow was set.
public struct ShadowComparison: Sendable, Hashable {
    /// Upper bounds of the buckets of `drift`; one more bucket holds what is above the last.
    public static let driftBounds: [Double] = [0.0001, 0.001, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5]

    /// The shadow.
    public var version: Int
    /// Texts whose two answers were compared.
    public var texts: Int
    /// Texts with the same first label; for vectors, whose cosine is at least 0.99.
    public var agreed: Int
    /// Copied calls that the shadow failed to answer.
    public var failures: Int
    /// Copies that were given up because the server had no room for them: the callers come first.
    public var skipped: Int
    /// Texts by how far the score of the caller's first label moved, or one minus the cosine; a count for each bucket.
    public var drift: [Int]
    public var driftMax: Double
    /// Times from a call's start to its answer, of the compared calls.
    public var callerP50: Duration
    public var callerP99: Duration
    public var shadowP50: Duration
    public var shadowP99: Duration

    public init(
        version: Int, texts: Int = 0, agreed: Int = 0, failures: Int = 0, skipped: Int = 0,
        drift: [Int] = Array(repeating: 0, count: driftBounds.count + 1), driftMax: Double = 0,
        callerP50: Duration = .zero, callerP99: Duration = .zero, shadowP50: Duration = .zero,
        shadowP99: Duration = .zero
    ) {
        self.version = version
        self.texts = texts
        self.agreed = agreed
        self.failures = failures
        self.skipped = skipped
        self.drift = drift
        self.driftMax = driftMax
        self.callerP50 = callerP50
        self.callerP99 = callerP99
        self.shadowP50 = shadowP50
        self.shadowP99 = shadowP99
    }
}
