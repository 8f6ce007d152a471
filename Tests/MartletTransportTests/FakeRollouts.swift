import MartletCore
import Synchronization

/// A model's owner's calls: `echo` versions 1 and 2 exist, version 3 was refused; nothing else does.
final class FakeRollouts: RolloutHandler {
    private struct State {
        var asked: [String] = []
        /// Bytes of the upload that broke off, by file.
        var held: [String: [UInt8]] = [:]
        var partsReceived = 0
        var breaksAfterParts: Int?
    }

    private let state = Mutex(State())

    /// What was asked, in order.
    var asked: [String] { state.withLock { $0.asked } }
    /// Parts of files that came over all uploads.
    var partsReceived: Int { state.withLock { $0.partsReceived } }
    func file(_ name: String) -> [UInt8]? { state.withLock { $0.held[name] } }
    /// The next upload fails after so many parts of files, as a server does that goes away.
    func breakUpload(afterParts count: Int) { state.withLock { $0.breaksAfterParts = count } }

    private func note(_ text: String) { state.withLock { $0.asked.append(text) } }

    private static func known(_ name: String) throws(MartletError) {
        guard name == "echo" else { throw MartletError(.notFound, "there is no model of that name") }
    }

    static let spec = RolloutSpec(model: "echo", version: 2)
    static let status = RolloutStatus(spec: spec, from: 1, phase: .baking, step: 0, percent: 1)
    static let plan = RolloutPlan(
        from: 1, to: 2, current: ModelRoute(to: 1),
        stages: [ModelRoute(targets: [.init(version: 1, weight: 99), .init(version: 2, weight: 1)]), ModelRoute(to: 2)])

    // MARK: RolloutHandler

    func loadVersion(_ id: VersionID, context: CallContext) async throws(MartletError) -> ModelStatus {
        try Self.known(id.model)
        guard id.number < 3 else { throw MartletError(.failedPrecondition, "version \(id.number) was refused") }
        note("load \(id)")
        var status = FakeHandler.status
        status.version = id.number
        return status
    }

    func unloadVersion(_ id: VersionID, context: CallContext) async throws(MartletError) {
        try Self.known(id.model)
        note("unload \(id)")
    }

    func clearQuarantine(_ id: VersionID, context: CallContext) async throws(MartletError) {
        try Self.known(id.model)
        note("clear \(id)")
    }

    func setRoute(
        _ route: ModelRoute?, label: String, of name: String, context: CallContext
    ) async throws(MartletError) {
        try Self.known(name)
        let targets = route.map { $0.targets.map { "\($0.version)x\($0.weight)" }.joined(separator: "+") } ?? "nothing"
        note("route \(name):\(label) to \(targets)")
    }

    /// The sticky key is the caller's entry `user`.
    func routes(named name: String?, context: CallContext) async throws(MartletError) -> [RouteStatus] {
        [
            RouteStatus(
                name: name ?? "echo", label: "latest",
                route: ModelRoute(
                    targets: [.init(version: 1, weight: 1)], stickyKey: context.metadata["user"] ?? ""))
        ]
    }

    func planRollout(_ spec: RolloutSpec, context: CallContext) async throws(MartletError) -> RolloutPlan {
        try Self.known(spec.model)
        return Self.plan
    }

    func startRollout(_ spec: RolloutSpec, context: CallContext) async throws(MartletError) -> RolloutStatus {
        try Self.known(spec.model)
        note("start \(spec.model):\(spec.label) to \(spec.version)")
        return RolloutStatus(spec: spec, from: 1, phase: .loading)
    }

    func rollouts(named name: String?, context: CallContext) async throws(MartletError) -> [RolloutStatus] {
        name == nil || name == "echo" ? [Self.status] : []
    }

    /// The reason of what it tells is the caller's entry `user`.
    func watchRollouts(
        named name: String?, context: CallContext
    ) async throws(MartletError) -> AsyncStream<[RolloutStatus]> {
        var status = Self.status
        status.reason = context.metadata["user"] ?? ""
        let told = status
        return AsyncStream { $0.yield([told]) }
    }

    func promoteRollout(
        label: String, of name: String, context: CallContext
    ) async throws(MartletError) -> RolloutStatus {
        try Self.known(name)
        note("promote \(name):\(label)")
        return Self.status
    }

    func rollback(
        label: String, of name: String, reason: String, context: CallContext
    ) async throws(MartletError) -> RolloutStatus {
        try Self.known(name)
        note("rollback \(name):\(label): \(reason)")
        var status = Self.status
        status.phase = .rolledBack
        status.reason = reason
        return status
    }

    func publish(
        _ parts: any PublishSource, events: any PublishEventSink, context: CallContext
    ) async throws(MartletError) {
        guard case .begin(let manifest, let signature)? = try await parts.next() else {
            throw MartletError(.internalError, "the transport let an upload through that does not begin")
        }
        note("publish \(manifest.count) bytes of manifest, \(signature.count) of signature")
        let held = state.withLock { $0.held }
        try await events.send(
            .held(held.map { PublishEvent.HeldFile(name: $0.key, bytes: $0.value.count) }.sorted { $0.name < $1.name }))
        var partsNow = 0
        while let part = try await parts.next() {
            guard case .bytes(let file, let offset, let bytes) = part else { continue }
            if let most = state.withLock({ $0.breaksAfterParts }), partsNow >= most {
                state.withLock { $0.breaksAfterParts = nil }
                throw MartletError(.unavailable, "the server went away")
            }
            let total = try append(bytes, to: file, at: offset)
            partsNow += 1
            try await events.send(.received(bytes: total))
        }
        try await events.send(.published(ModelIdentity(name: "echo", version: 4, digest: "d")))
    }

    private func append(_ bytes: [UInt8], to file: String, at offset: Int) throws(MartletError) -> Int {
        let total: Int? = state.withLock { state in
            guard state.held[file, default: []].count == offset else { return nil }
            state.held[file, default: []] += bytes
            state.partsReceived += 1
            return state.held.values.reduce(0) { $0 + $1.count }
        }
        guard let total else { throw MartletError(.invalidArgument, "bytes.offset is not where the last ones ended") }
        return total
    }
}
