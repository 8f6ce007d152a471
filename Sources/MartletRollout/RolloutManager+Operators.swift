package import MartletCore

/// What operators ask by a model's name.
extension RolloutManager {
    /// Takes every version of `model` out of service until `load(model:asking:)`, whatever the source wants. Calls that
    /// hold one end first. Asked again it changes nothing.
    /// - Throws: `.notFound` for a model that nobody knows.
    package func unload(model: String) throws(MartletError) {
        try requireKnown(model)
        guard stopped.insert(model).inserted else { return }
        for id in records.keys.sorted() where id.model == model { abandonLoad(id) }
        advance()
    }

    /// Serves `model` again after `unload(model:)`, asks `source` what there is now, and tries versions that failed
    /// once more. Returns when nothing is left to do; a cancelled task waits no longer, and loading goes on.
    /// - Returns: every version of the model.
    /// - Throws: `.notFound` when the source has no version of it, `.failedPrecondition` with the reason when none is
    ///   ready in the end.
    package func load(
        model: String, asking source: @Sendable () throws(MartletError) -> [AspiredVersion]
    ) async throws(MartletError) -> [ModelStatus] {
        guard !isShuttingDown else { throw MartletError(.unavailable, "the server is shutting down") }
        let versions = try source()
        let isThere = versions.contains { $0.id.model == model }
        if isThere {
            stopped.remove(model)
            for (id, record) in records.sorted(by: { $0.key < $1.key }) where id.model == model {
                if case .failed = record.phase { discover(id) }
            }
        }
        aspire(to: versions)
        guard isThere else {
            throw MartletError(
                .notFound, "there is no version of a model of that name in the models folder; publish one first")
        }
        await settledOrCancelled()
        guard !Task.isCancelled else {
            throw MartletError(.cancelled, "the call was cancelled; the model goes on loading")
        }
        let statuses = statuses(named: model)
        guard !statuses.contains(where: { $0.state == .ready }) else { return statuses }
        throw nothingReady(model, statuses)
    }

    /// Points `label` at a ready version, or takes it away when `number` is nil.
    /// - Throws: `.invalidArgument` for `latest` and malformed labels, `.failedPrecondition` for a version that is not
    ///   ready and for more labels than a model may have, `.notFound` for an unknown version or model.
    package func setLabel(_ label: String, of model: String, to number: Int?) throws(MartletError) {
        guard label != "latest" else {
            throw MartletError(.invalidArgument, "the label latest always leads to the highest ready version")
        }
        guard VersionID.isValidModelName(label) else {
            throw MartletError(
                .invalidArgument, "a label is 1 to 128 of A-Z a-z 0-9 . _ -, the first a letter or a digit")
        }
        guard let number else {
            try requireKnown(model)
            labels[model]?[label] = nil
            return advance()
        }
        let id = VersionID(model: model, number: number)
        guard let record = records[id] else {
            throw MartletError(
                .notFound, "there is no version \(number) to label; `martlet models` lists what is served")
        }
        guard case .ready = record.phase else {
            throw MartletError(
                .failedPrecondition, "version \(id) is \(record.state.rawValue); a label needs a ready version")
        }
        let others = labels[model, default: [:]].count { $0.key != label }
        guard others < labelsMax else {
            throw MartletError(
                .failedPrecondition,
                "model \(model) has \(others) labels, and \(labelsMax) is the limit (versionLabelsMax); take one away "
                    + "with `martlet models label \(model) LABEL --remove`")
        }
        labels[model, default: [:]][label] = number
        emit(id, .labelled(label))
        advance()
    }

    private func requireKnown(_ model: String) throws(MartletError) {
        guard records.keys.contains(where: { $0.model == model }) else {
            throw MartletError(
                .notFound, "there is no model of that name; `martlet models` lists what is known")
        }
    }

    private func nothingReady(_ model: String, _ statuses: [ModelStatus]) -> MartletError {
        // The newest version that says why says most.
        let telling = statuses.last { !$0.reason.isEmpty } ?? statuses.last
        guard let telling else {
            return MartletError(.failedPrecondition, "no version of model \(model) is there any more")
        }
        let why = telling.reason.isEmpty ? "" : ": \(telling.reason)"
        return MartletError(
            .failedPrecondition,
            "no version of model \(model) is ready; version \(telling.version) is \(telling.state.rawValue)\(why)")
    }
}
