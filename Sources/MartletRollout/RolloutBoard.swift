internal import MartletCore

/// Everything that calls and operators read, replaced as a whole at every change.
struct RolloutBoard<Loaded: LoadedVersion>: WatchedBoard {
    /// What a board shows of a model beside its versions.
    struct ModelView {
        /// By label.
        var routes: [String: ModelRoute] = [:]
        /// Of the routes' shadows, by label.
        var recorders: [String: ShadowRecorder] = [:]
        var isIdle = false
        /// Why versions are kept out of memory: all of them, or by number.
        var absence: String?
        var absences: [Int: String] = [:]
        /// Why versions are in quarantine.
        var quarantine: [Int: String] = [:]
    }

    private(set) var routes = RouteTable<Loaded>()
    /// Sorted by name, then version; without the numbers of leases.
    private var entries: [(status: ModelStatus, residence: Residence<Loaded>?)] = []
    /// Sorted by name, then label.
    private var shownRoutes: [(status: RouteStatus, recorder: ShadowRecorder?)] = []

    init() {}

    init(_ records: [VersionID: VersionRecord<Loaded>], _ views: [String: ModelView], isShuttingDown: Bool) {
        var models: [String: RouteTable<Loaded>.Model] = [:]
        var statuses: [(id: VersionID, status: ModelStatus, residence: Residence<Loaded>?)] = []
        for (id, record) in records.sorted(by: { $0.key < $1.key }) {
            let view = views[id.model] ?? ModelView()
            let quarantine = view.quarantine[id.number]
            let status = record.status(
                labels: [], absence: view.absences[id.number] ?? view.absence, quarantine: quarantine)
            statuses.append((id, status, record.residence))
            var model = models[id.model] ?? .init(isIdle: view.isIdle)
            model.states[id.number] = (status.state, status.reason)
            if case .ready(let residence, _) = record.phase {
                model.ready[id.number] = residence
                // Rising: the last one stays.
                if quarantine == nil { model.latest = residence }
            }
            models[id.model] = model
        }
        for (name, view) in views {
            guard var model = models[name] else { continue }
            for (label, route) in view.routes {
                model.routes[label] = RouteChoice(
                    route, model: name, ready: model.ready, recorder: view.recorders[label])
            }
            models[name] = model
        }
        let routes = RouteTable(models: models, isShuttingDown: isShuttingDown)
        self.routes = routes
        entries = statuses.map { entry in
            var status = entry.status
            status.versionLabels = routes.labels(of: entry.id)
            return (status, entry.residence)
        }
        shownRoutes = views.sorted { $0.key < $1.key }.flatMap { name, view in
            view.routes.sorted { $0.key < $1.key }.map { label, route in
                (RouteStatus(name: name, label: label, route: route), view.recorders[label])
            }
        }
    }

    /// Of all models, or of one, with the leases of this moment.
    func list(named name: String?) -> [ModelStatus] {
        entries.lazy.filter { name == nil || $0.status.name == name }.map { entry in
            var status = entry.status
            status.leases = entry.residence?.leases ?? 0
            return status
        }
    }

    func telling(named name: String?) -> [ModelStatus] {
        entries.lazy.filter { name == nil || $0.status.name == name }.map(\.status)
    }

    /// With what the shadows have shown until now.
    func routeStatuses(named name: String?) -> [RouteStatus] {
        shownRoutes.filter { name == nil || $0.status.name == name }.map { entry in
            var status = entry.status
            status.comparison = entry.recorder?.comparison
            return status
        }
    }

    /// Of the versions in memory.
    func residences(named name: String?) -> [Residence<Loaded>] {
        entries.filter { name == nil || $0.status.name == name }.compactMap(\.residence)
    }
}

/// Rollouts that go on, and the last one of each route; sorted by model, then label.
struct RolloutList: WatchedBoard {
    let statuses: [RolloutStatus]

    init(_ progress: [RouteKey: RolloutProgress], now: Duration) {
        statuses = progress.sorted { $0.key < $1.key }.map { $0.value.status(now: now) }
    }

    func list(named name: String?) -> [RolloutStatus] {
        statuses.filter { name == nil || $0.spec.model == name }
    }

    func telling(named name: String?) -> [RolloutStatus] { list(named: name) }
}
