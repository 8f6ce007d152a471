/// What the owner of a model wants of its versions.
package struct ModelPolicy: Sendable, Hashable {
    package enum Order: String, Sendable, CaseIterable {
        /// Loads the new before it unloads the old: never without an answer, twice the memory for a moment.
        case availabilityFirst
        /// Unloads the old first: never more memory than one needs, no answer for a moment.
        case memoryFirst
    }

    package var selection: VersionSelection
    package var order: Order
    /// A model without calls for so long leaves memory and is loaded again by the next call; nil: it stays.
    package var idleUnload: Duration?
    /// True: never unloaded to make room for another model.
    package var isPinned: Bool

    package init(
        selection: VersionSelection = .latest(1), order: Order = .availabilityFirst, idleUnload: Duration? = nil,
        isPinned: Bool = false
    ) {
        self.selection = selection
        self.order = order
        self.idleUnload = idleUnload
        self.isPinned = isPinned
    }
}

/// The part of the configuration that may change while the server runs.
package struct RolloutConfiguration: Sendable, Hashable {
    package var defaults: ModelPolicy
    /// Per model, instead of `defaults`.
    package var models: [String: ModelPolicy]
    /// Bytes that all versions in memory may take together; nil: no limit.
    package var memoryBytesMax: Int?
    /// Model → label → version, for labels that nobody has set by a call.
    package var labels: [String: [String: Int]]

    package init(
        defaults: ModelPolicy = ModelPolicy(), models: [String: ModelPolicy] = [:], memoryBytesMax: Int? = nil,
        labels: [String: [String: Int]] = [:]
    ) {
        self.defaults = defaults
        self.models = models
        self.memoryBytesMax = memoryBytesMax
        self.labels = labels
    }

    package func policy(of model: String) -> ModelPolicy { models[model] ?? defaults }
}
