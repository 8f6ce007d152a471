internal import MartletCore

/// Which aspired versions of a model should be in memory.
package enum VersionSelection: Sendable, Hashable {
    /// The newest `n`, at least 1.
    case latest(Int)
    case all
    case specific(Set<Int>)
}

/// Loads the new before it unloads the old, so that a model that answered once goes on answering.
///
/// A failed version is not wanted: the next older one takes its place. A labelled version is wanted whatever its age.
/// Costs the memory of both versions for a moment.
package struct AvailabilityFirst: RolloutPolicy {
    package var selection: VersionSelection
    /// Per model, instead of `selection`.
    package var selections: [String: VersionSelection]

    package init(_ selection: VersionSelection = .latest(1), selections: [String: VersionSelection] = [:]) {
        self.selection = selection
        self.selections = selections
    }

    package func nextStep(for versions: [VersionSnapshot]) -> RolloutStep? {
        let models = Dictionary(grouping: versions, by: \.id.model).sorted { $0.key < $1.key }
        // Unloading first: it is safe by its own rule, and gives memory to the loads.
        for (_, versions) in models {
            if let old = versionToUnload(of: versions) { return .unload(old) }
        }
        var next: VersionID?
        for (_, versions) in models {
            guard let new = versionToLoad(of: versions) else { continue }
            // A model that cannot answer at all goes before one that only has something newer.
            if !versions.contains(where: { $0.state == .ready }) { return .load(new) }
            if next == nil { next = new }
        }
        return next.map { .load($0) }
    }

    private func wanted(of versions: [VersionSnapshot]) -> [VersionSnapshot] {
        let usable = versions.filter { $0.isAspired && $0.state != .failed }.sorted { $0.id > $1.id }
        guard let model = usable.first?.id.model else { return [] }
        switch selections[model] ?? selection {
        case .all: return usable
        case .latest(let count):
            let newest = Set(usable.prefix(max(1, count)))
            return usable.filter { newest.contains($0) || $0.isLabelled }
        case .specific(let numbers): return usable.filter { numbers.contains($0.id.number) || $0.isLabelled }
        }
    }

    /// Newest first.
    private func versionToLoad(of versions: [VersionSnapshot]) -> VersionID? {
        wanted(of: versions).first {
            $0.state == .discovered || $0.state == .unloaded || ($0.state == .draining && $0.mayReturn)
        }?.id
    }

    /// Oldest first; none while a wanted version is still on its way, and never the last one of a model that is
    /// aspired.
    private func versionToUnload(of versions: [VersionSnapshot]) -> VersionID? {
        let ready = versions.filter { $0.state == .ready }.sorted { $0.id < $1.id }
        let wanted = wanted(of: versions)
        let isModelAspired = versions.contains(where: \.isAspired)
        guard !isModelAspired || (ready.count > 1 && wanted.allSatisfy { $0.state == .ready }) else { return nil }
        return ready.first { !wanted.contains($0) }?.id
    }
}
