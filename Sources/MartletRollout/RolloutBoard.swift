internal import MartletCore

/// Everything that calls and operators read, replaced as a whole at every change.
struct RolloutBoard<Loaded: LoadedVersion>: Sendable {
    private(set) var routes = RouteTable<Loaded>()
    /// Sorted by name, then version; without the numbers of leases.
    private var entries: [(status: ModelStatus, residence: Residence<Loaded>?)] = []

    init() {}

    /// - Parameter labels: model → label → version number.
    init(
        _ records: [VersionID: VersionRecord<Loaded>], labels: [String: [String: Int]], isShuttingDown: Bool
    ) {
        var models: [String: RouteTable<Loaded>.Model] = [:]
        for (id, record) in records {
            var model = models[id.model] ?? .init(labels: labels[id.model] ?? [:])
            model.states[id.number] = (record.state, record.status(labels: []).reason)
            if case .ready(let residence, _) = record.phase {
                model.ready[id.number] = residence
                if id.number > model.latest?.id.number ?? .min { model.latest = residence }
            }
            models[id.model] = model
        }
        let routes = RouteTable(models: models, isShuttingDown: isShuttingDown)
        self.routes = routes
        entries = records.sorted { $0.key < $1.key }.map { id, record in
            (status: record.status(labels: routes.labels(of: id)), residence: record.residence)
        }
    }

    /// With the leases of this moment.
    var statuses: [ModelStatus] {
        entries.map { entry in
            var status = entry.status
            status.leases = entry.residence?.leases ?? 0
            return status
        }
    }
}
