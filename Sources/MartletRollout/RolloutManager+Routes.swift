package import MartletCore

/// Where labels lead.
extension RolloutManager {
    /// Points `label` at a ready version, or takes it away when `number` is nil.
    /// - Throws: as `setRoute(_:label:of:)`.
    package func setLabel(_ label: String, of model: String, to number: Int?) throws(MartletError) {
        try setRoute(number.map { ModelRoute(to: $0) }, label: label, of: model)
    }

    /// Replaces the route of a label in one step; nil takes it away. Without a route `latest` leads to the highest
    /// ready version.
    /// - Throws: `.invalidArgument` for a route or a label that cannot be, `.notFound` for an unknown version or model,
    ///   `.failedPrecondition` for a version that is not ready, while a rollout owns the route, and for more labels
    ///   than a model may have.
    package func setRoute(_ route: ModelRoute?, label: String, of model: String) throws(MartletError) {
        try requireRunning()
        try RouteCheck.check(label: label)
        if let route { try RouteCheck.check(route) }
        let key = RouteKey(model: model, label: label)
        if let running = progress[key], running.isRunning {
            throw MartletError(
                .failedPrecondition,
                "a rollout of version \(running.spec.version) owns the route \(label); wait for its end, or end it "
                    + "with `martlet rollout promote` or `martlet rollout rollback`")
        }
        if let route {
            for number in route.versions.sorted() { try requireReady(VersionID(model: model, number: number)) }
            let others = routes(of: model).keys.count { $0 != label && $0 != "latest" }
            guard label == "latest" || others < labelsMax else {
                throw MartletError(
                    .failedPrecondition,
                    "model \(model) has \(others) labels, and \(labelsMax) is the limit (versionLabelsMax); take one "
                        + "away with `martlet models label \(model) LABEL --remove`")
            }
        } else {
            try requireKnown(model)
        }
        let before = routes(of: model)[label]
        let isConfigured = configuration.labels[model]?[label] != nil
        try commit { state in
            state.change(model) { known in
                known.routes[label] = route
                // Without this the configuration would bring back what was just taken away.
                if route == nil, isConfigured {
                    known.removedLabels.insert(label)
                } else {
                    known.removedLabels.remove(label)
                }
            }
        }
        if before != route {
            emit(model: model, .routed(label: label, route))
            // There is nothing left that a rollback could give back.
            letGoOfOld(key)
        }
        advance()
    }

    /// Every route of every model, or of the one named, with what its shadow has shown; sorted by name, then label.
    package nonisolated func routeStatuses(named name: String? = nil) -> [RouteStatus] {
        published.withLock { $0 }.routeStatuses(named: name)
    }

    private func requireReady(_ id: VersionID) throws(MartletError) {
        guard let record = records[id] else {
            throw MartletError(
                .notFound, "there is no version \(id.number) to lead to; `martlet models` lists what is served")
        }
        if let entry = quarantine(of: id) {
            throw MartletError(
                .failedPrecondition, "version \(id) is in quarantine: \(entry.reason); clear that first")
        }
        guard case .ready = record.phase else {
            throw MartletError(
                .failedPrecondition, "version \(id) is \(record.state.rawValue); a label needs a ready version")
        }
    }
}
