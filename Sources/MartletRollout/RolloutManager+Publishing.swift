internal import MartletCore

/// From what the manager knows to what others read.
extension RolloutManager {
    func publish() {
        let board = RolloutBoard(records, views(), isShuttingDown: isShuttingDown)
        var old = board
        // Swapped, so that the old table is freed outside the lock that calls read under.
        published.withLock { swap(&$0, &old) }
        watchers.tell(board)
        let list = RolloutList(progress, now: time.now)
        publishedRollouts.withLock { $0 = list }
        rolloutWatchers.tell(list)
    }

    /// Where the labels of `model` lead: what operators set, then what the configuration says.
    func routes(of model: String) -> [String: ModelRoute] {
        let saved = state.models[model]
        var routes = saved?.routes ?? [:]
        for (label, number) in configuration.labels[model] ?? [:]
        where routes[label] == nil && saved?.removedLabels.contains(label) != true {
            routes[label] = ModelRoute(to: number)
        }
        return routes
    }

    private func views() -> [String: RolloutBoard<Loaded>.ModelView] {
        var views: [String: RolloutBoard<Loaded>.ModelView] = [:]
        var recordersNow: [RouteKey: ShadowRecorder] = [:]
        let names = Set(records.keys.map(\.model)).union(state.models.keys).union(configuration.labels.keys)
        for name in names {
            var view = RolloutBoard<Loaded>.ModelView(routes: routes(of: name))
            for (label, route) in view.routes {
                guard let shadow = route.shadow else { continue }
                let key = RouteKey(model: name, label: label)
                // The same one for as long as the shadow is the same.
                let known = recorders[key].flatMap { $0.version == shadow.version ? $0 : nil }
                let recorder = known ?? ShadowRecorder(version: shadow.version)
                view.recorders[label] = recorder
                recordersNow[key] = recorder
            }
            view.isIdle = asleep.contains(name) || waking.contains(name)
            if asleep.contains(name) { view.absence = "idle; the next call loads it" }
            let model = state.models[name]
            if model?.isStopped == true { view.absence = "unloaded by request; LoadModel serves it again" }
            for (number, isWanted) in model?.wishes ?? [:] where !isWanted {
                view.absences[number] = "unloaded by request; LoadVersion serves it again"
            }
            for number in (model?.quarantine ?? [:]).keys {
                view.quarantine[number] = quarantine(of: VersionID(model: name, number: number))?.reason
            }
            views[name] = view
        }
        recorders = recordersNow
        return views
    }
}
