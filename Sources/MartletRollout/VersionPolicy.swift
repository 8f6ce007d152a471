internal import MartletCore

/// Which aspired versions of a model should be in memory.
package enum VersionSelection: Sendable, Hashable {
    /// The newest `n`, at least 1.
    case latest(Int)
    case all
    case specific(Set<Int>)
    /// Only what is kept: what routes, rollouts and operators name.
    case routed
}

/// Decides which version is loaded or unloaded next. Pure: asked twice about the same snapshot, the same answer.
///
/// A version that cannot be loaded is not wanted: the next older one takes its place. A kept version is wanted whatever
/// its age.
package struct VersionPolicy: Sendable {
    package var configuration: RolloutConfiguration

    package init(_ configuration: RolloutConfiguration = RolloutConfiguration()) { self.configuration = configuration }

    /// The single next step, or nil when every version is as it should be or on its way there.
    /// - Parameter versions: every known version of every model, or of some models.
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

    /// Newest first.
    private func wanted(of versions: [VersionSnapshot]) -> [VersionSnapshot] {
        let usable =
            versions
            .filter { $0.isAspired && !$0.isRefused && !$0.mustLeave && $0.state != .failed }
            .sorted { $0.id > $1.id }
        guard let model = usable.first?.id.model else { return [] }
        switch configuration.policy(of: model).selection {
        case .all: return usable
        case .latest(let count):
            let newest = Set(usable.prefix(max(1, count)))
            return usable.filter { newest.contains($0) || $0.isKept }
        case .specific(let numbers): return usable.filter { numbers.contains($0.id.number) || $0.isKept }
        case .routed: return usable.filter(\.isKept)
        }
    }

    /// Newest first.
    private func versionToLoad(of versions: [VersionSnapshot]) -> VersionID? {
        let wanted = wanted(of: versions)
        if isMemoryFirst(versions) {
            // Not before the old has left memory.
            let isInMemory = versions.contains { ($0.state == .ready || $0.state == .draining) && !wanted.contains($0) }
            guard !isInMemory else { return nil }
        }
        return wanted.first {
            $0.state == .discovered || $0.state == .unloaded || ($0.state == .draining && $0.mayReturn)
        }?.id
    }

    /// Oldest first.
    private func versionToUnload(of versions: [VersionSnapshot]) -> VersionID? {
        let ready = versions.filter { $0.state == .ready }.sorted { $0.id < $1.id }
        guard !ready.isEmpty else { return nil }
        let wanted = wanted(of: versions)
        let unwanted = ready.filter { !wanted.contains($0) }
        guard versions.contains(where: \.isAspired) else { return unwanted.first?.id }
        // Nothing can take its place, and it was asked to go.
        if wanted.isEmpty, let leaving = unwanted.first(where: \.mustLeave) { return leaving.id }
        // The last one of a model that is to be served stays until another is there.
        let mayUnload =
            isMemoryFirst(versions)
            ? !wanted.isEmpty || ready.count > 1 : ready.count > 1 && wanted.allSatisfy { $0.state == .ready }
        return mayUnload ? unwanted.first?.id : nil
    }

    private func isMemoryFirst(_ versions: [VersionSnapshot]) -> Bool {
        versions.first.map { configuration.policy(of: $0.id.model).order == .memoryFirst } ?? false
    }
}
