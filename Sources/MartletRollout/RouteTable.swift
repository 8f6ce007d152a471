package import MartletCore

/// Which version answers which name. Immutable; a change is a new table, published in one store.
package struct RouteTable<Loaded: LoadedVersion>: Sendable {
    /// Every known model, with or without a route.
    struct Model: Sendable {
        /// Ready versions.
        var ready: [Int: Residence<Loaded>] = [:]
        /// Highest ready version.
        var latest: Residence<Loaded>?
        /// Where labels lead, ready or not. Without `latest`.
        var labels: [String: Int] = [:]
        /// State of every known version, for messages.
        var states: [Int: (state: VersionState, reason: String)] = [:]
    }

    private let models: [String: Model]
    private let isShuttingDown: Bool

    init(models: [String: Model] = [:], isShuttingDown: Bool = false) {
        self.models = models
        self.isShuttingDown = isShuttingDown
    }

    /// Ready versions of `model`, rising.
    package func readyVersions(of model: String) -> [Int] { models[model]?.ready.keys.sorted() ?? [] }

    /// Labels that lead to `id` now, sorted.
    package func labels(of id: VersionID) -> [String] {
        guard let model = models[id.model], model.ready[id.number] != nil else { return [] }
        var labels = model.labels.filter { $0.value == id.number }.map(\.key)
        if model.latest?.id == id { labels.append("latest") }
        return labels.sorted()
    }

    /// The version that answers `reference`.
    /// - Throws: `.notFound` for an unknown model, version or label; `.unavailable` when the version is known but not
    ///   ready.
    func route(_ reference: ModelReference) throws(MartletError) -> Residence<Loaded> {
        if isShuttingDown { throw MartletError(.unavailable, "the server is shutting down") }
        guard let model = models[reference.name] else { throw Self.unknownModel(reference.name) }
        switch reference.selector {
        case .latest, .label("latest"):
            guard let latest = model.latest else { throw nothingReady(model, reference.name) }
            return latest
        case .version(let number):
            if let residence = model.ready[number] { return residence }
            guard let (state, reason) = model.states[number] else {
                throw MartletError(
                    .notFound, "model \(reference.name) has no version \(number); \(Self.list(ready: model))")
            }
            throw notReady(VersionID(model: reference.name, number: number), state, reason)
        case .label(let label):
            guard let number = model.labels[label] else { throw unknownLabel(label, model, reference.name) }
            if let residence = model.ready[number] { return residence }
            let (state, reason) = model.states[number] ?? (.unloaded, "")
            var error = notReady(VersionID(model: reference.name, number: number), state, reason)
            error.message = "label \(label): " + error.message
            throw error
        }
    }

    // MARK: Messages

    private static func unknownModel(_ name: String) -> MartletError {
        // A name that could not be a model's is not repeated: it may be anything, of any length.
        let named = VersionID.isValidModelName(name) ? "there is no model \(name)" : "there is no model of that name"
        return MartletError(.notFound, "\(named); `martlet models` lists what is served")
    }

    private func unknownLabel(_ label: String, _ model: Model, _ name: String) -> MartletError {
        let known = (["latest"] + model.labels.keys.sorted()).joined(separator: ", ")
        let named = VersionID.isValidModelName(label) ? "no label \(label)" : "no label of that name"
        return MartletError(.notFound, "model \(name) has \(named); its labels are: \(known)")
    }

    private static func list(ready model: Model) -> String {
        let numbers = model.ready.keys.sorted().map(String.init).joined(separator: ", ")
        return numbers.isEmpty ? "no version is ready" : "ready versions: \(numbers)"
    }

    private func nothingReady(_ model: Model, _ name: String) -> MartletError {
        // The newest version says most about what to expect.
        guard let newest = model.states.keys.max(), let (state, reason) = model.states[newest] else {
            return MartletError(.unavailable, "model \(name) has no version that is ready", retryAfter: .seconds(1))
        }
        return notReady(VersionID(model: name, number: newest), state, reason)
    }

    private func notReady(_ id: VersionID, _ state: VersionState, _ reason: String) -> MartletError {
        let why = reason.isEmpty ? "" : ": \(reason)"
        let ready = models[id.model].map { "; " + Self.list(ready: $0) } ?? ""
        let isComing = [.discovered, .verifying, .loading, .warming].contains(state)
        return MartletError(
            .unavailable, "version \(id.number) of model \(id.model) is \(state.rawValue)\(why)\(ready)",
            retryAfter: isComing ? .seconds(1) : nil)
    }
}
