internal import MartletCore

/// Everything that calls and operators read, replaced as a whole at every change.
struct RolloutBoard<Loaded: LoadedVersion>: Sendable {
    private(set) var routes = RouteTable<Loaded>()
    /// Sorted by name, then version; without the numbers of leases.
    private var entries: [(status: ModelStatus, residence: Residence<Loaded>?)] = []

    init() {}

    /// - Parameters:
    ///   - labels: model → label → version number.
    ///   - stopped: models that an operator took out of service.
    init(
        _ records: [VersionID: VersionRecord<Loaded>], labels: [String: [String: Int]], stopped: Set<String>,
        isShuttingDown: Bool
    ) {
        var models: [String: RouteTable<Loaded>.Model] = [:]
        for (id, record) in records {
            var model = models[id.model] ?? .init(labels: labels[id.model] ?? [:])
            let status = record.status(labels: [], isStopped: stopped.contains(id.model))
            model.states[id.number] = (status.state, status.reason)
            if case .ready(let residence, _) = record.phase {
                model.ready[id.number] = residence
                if id.number > model.latest?.id.number ?? .min { model.latest = residence }
            }
            models[id.model] = model
        }
        let routes = RouteTable(models: models, isShuttingDown: isShuttingDown)
        self.routes = routes
        entries = records.sorted { $0.key < $1.key }.map { id, record in
            let isStopped = stopped.contains(id.model)
            return (
                status: record.status(labels: routes.labels(of: id), isStopped: isStopped), residence: record.residence)
        }
    }

    /// Of all models, or of one; with the leases of this moment, or with none counted.
    func statuses(named name: String? = nil, countingLeases: Bool = true) -> [ModelStatus] {
        entries.lazy.filter { name == nil || $0.status.name == name }.map { entry in
            var status = entry.status
            if countingLeases { status.leases = entry.residence?.leases ?? 0 }
            return status
        }
    }

    /// Of the versions in memory.
    func residences(named name: String?) -> [Residence<Loaded>] {
        entries.filter { name == nil || $0.status.name == name }.compactMap(\.residence)
    }
}
