package import MartletCore

/// Which version answers which name. Immutable; a change is a new table, published in one store.
package struct RouteTable<Loaded: LoadedVersion>: Sendable {
    /// Every known model, with or without a route.
    struct Model: Sendable {
        /// Ready versions.
        var ready: [Int: Residence<Loaded>] = [:]
        /// Highest ready version that is not in quarantine.
        var latest: Residence<Loaded>?
        /// By label.
        var routes: [String: RouteChoice<Loaded>] = [:]
        /// State of every known version, for messages.
        var states: [Int: (state: VersionState, reason: String)] = [:]
        /// True for a model that left memory because nobody called it, until a call has brought it back.
        var isIdle = false
    }

    /// Who answers a call, and who gets a copy of it.
    struct Choice {
        let residence: Residence<Loaded>
        var shadow: (residence: Residence<Loaded>, recorder: ShadowRecorder)?
    }

    private let models: [String: Model]
    private let isShuttingDown: Bool

    init(models: [String: Model] = [:], isShuttingDown: Bool = false) {
        self.models = models
        self.isShuttingDown = isShuttingDown
    }

    /// Ready versions of `model`, rising.
    package func readyVersions(of model: String) -> [Int] { models[model]?.ready.keys.sorted() ?? [] }

    /// True when a call can bring `model` back into memory, or one is doing so.
    func isIdle(_ model: String) -> Bool { !isShuttingDown && models[model]?.isIdle ?? false }

    /// Labels whose calls `id` answers now, or a share of them; sorted.
    package func labels(of id: VersionID) -> [String] {
        guard let model = models[id.model], model.ready[id.number] != nil else { return [] }
        var labels = model.routes.filter { $0.value.route.targets.contains { $0.version == id.number } }.map(\.key)
        if model.routes["latest"] == nil, model.latest?.id == id { labels.append("latest") }
        return labels.sorted()
    }

    /// The version that answers `reference`.
    /// - Throws: `.notFound` for an unknown model, version or label; `.unavailable` when the version is known but not
    ///   ready.
    func choose(
        _ reference: ModelReference, for metadata: CallMetadata, _ chance: Chance
    ) throws(MartletError) -> Choice {
        if isShuttingDown { throw MartletError(.unavailable, "the server is shutting down") }
        guard let model = models[reference.name] else { throw Self.unknownModel(reference.name) }
        let label: String
        switch reference.selector {
        case .version(let number):
            if let residence = model.ready[number] { return Choice(residence: residence) }
            guard let (state, reason) = model.states[number] else {
                throw MartletError(
                    .notFound, "model \(reference.name) has no version \(number); \(Self.list(ready: model))")
            }
            throw notReady(VersionID(model: reference.name, number: number), state, reason)
        case .latest: label = "latest"
        case .label(let asked): label = asked
        }
        guard let route = model.routes[label] else {
            guard label == "latest" else { throw unknownLabel(label, model, reference.name) }
            guard let latest = model.latest else { throw nothingReady(model, reference.name) }
            return Choice(residence: latest)
        }
        guard let residence = route.target(for: metadata, chance) else {
            throw nothingReady(route.route, label, model, reference.name)
        }
        return Choice(residence: residence, shadow: route.shadow(beside: residence, chance))
    }

    // MARK: Messages

    private static func unknownModel(_ name: String) -> MartletError {
        // A name that could not be a model's is not repeated: it may be anything, of any length.
        let named = VersionID.isValidModelName(name) ? "there is no model \(name)" : "there is no model of that name"
        return MartletError(.notFound, "\(named); `martlet models` lists what is served")
    }

    private func unknownLabel(_ label: String, _ model: Model, _ name: String) -> MartletError {
        let known = (["latest"] + model.routes.keys.filter { $0 != "latest" }.sorted()).joined(separator: ", ")
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

    /// - Parameter route: none of whose versions is ready. The one with the largest share says why.
    private func nothingReady(
        _ route: ModelRoute, _ label: String, _ model: Model, _ name: String
    ) -> MartletError {
        let number = route.targets.max { ($0.weight, $0.version) < ($1.weight, $1.version) }?.version ?? 0
        let (state, reason) = model.states[number] ?? (.unloaded, "")
        var error = notReady(VersionID(model: name, number: number), state, reason)
        error.message = "label \(label): " + error.message
        return error
    }

    private func notReady(_ id: VersionID, _ state: VersionState, _ reason: String) -> MartletError {
        let why = reason.isEmpty ? "" : ": \(reason)"
        let ready = models[id.model].map { "; " + Self.list(ready: $0) } ?? ""
        let isComing =
            [.discovered, .verifying, .loading, .warming].contains(state) || models[id.model]?.isIdle ?? false
        return MartletError(
            .unavailable, "version \(id.number) of model \(id.model) is \(state.rawValue)\(why)\(ready)",
            retryAfter: isComing ? .seconds(1) : nil)
    }
}
