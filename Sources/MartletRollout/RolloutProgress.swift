internal import MartletCore

/// How far a guarded rollout is, and what follows when something happens. No I/O, no clock.
struct RolloutProgress: Sendable {
    enum State: Sendable, Hashable {
        /// The new version is on its way into memory.
        case loading
        // `since` is nil after a restart until the new version is back in memory.
        /// It answers copies only.
        case shadowing(since: Duration?)
        case baking(step: Int, since: Duration?)
        /// It has all calls; the old version is kept until then, nil: no more.
        case completed(holdsOldUntil: Duration?)
        case rolledBack(reason: String)
        /// The new version could not be loaded, or nothing is left to go back to.
        case failed(reason: String)
    }

    enum Event: Sendable {
        /// Time passed, or a version changed.
        case looked
        case figures(RuleWindow.Sample)
        case promoted
        /// An operator takes it back.
        case takenBack(reason: String)
        /// The old version is not needed for a rollback any more.
        case letGo
    }

    enum Action: Sendable, Hashable {
        /// The label's route from now on; nil takes it away.
        case setRoute(ModelRoute?)
        /// The new version is not tried again.
        case quarantine(reason: String)
    }

    /// What a version is to a rollout.
    enum Presence: Sendable, Hashable {
        case ready
        case coming
        /// - Parameter isToBlame: it failed or left by itself; nobody asked it to.
        case gone(reason: String, isToBlame: Bool)
    }

    /// The world at the moment of a step.
    struct Look: Sendable {
        let now: Duration
        let old: Presence
        let new: Presence
    }

    let spec: RolloutSpec
    let from: Int
    let routeBefore: ModelRoute?
    private(set) var state: State
    private(set) var observations: [RolloutStatus.Observation] = []
    private var window: RuleWindow?

    /// A rollout that begins. `step(.looked)` follows.
    init(_ spec: RolloutSpec, from: Int, routeBefore: ModelRoute?) {
        self.spec = spec
        self.from = from
        self.routeBefore = routeBefore
        state = .loading
        window = RuleWindow(spec.rules)
    }

    /// One that a former process left. The times of its steps begin anew.
    init(_ saved: RolloutState.Rollout, now: Duration) {
        spec = saved.spec
        from = saved.from
        routeBefore = saved.routeBefore
        state =
            switch saved.phase {
            case .loading: .loading
            case .shadowing: .shadowing(since: nil)
            case .baking: .baking(step: saved.step, since: nil)
            case .completed: .completed(holdsOldUntil: saved.holdsOld ? now + saved.spec.keepOld : nil)
            case .rolledBack: .rolledBack(reason: saved.reason)
            case .failed: .failed(reason: saved.reason)
            }
        if isRunning { window = RuleWindow(spec.rules) }
    }

    /// The route that the rollout begins with: calls that name the model alone must not go to the new version because
    /// it is the highest one.
    var firstAction: Action { .setRoute(routeBefore ?? ModelRoute(to: from)) }

    var isRunning: Bool { !phase.isOver }

    /// Versions that must stay in memory for it.
    var keeps: [Int] {
        switch state {
        case .loading, .shadowing, .baking: [from, spec.version]
        case .completed(holdsOldUntil: .some): [from]
        case .completed, .rolledBack, .failed: []
        }
    }

    /// Until when the old version of a completed one is kept; nil: it is not.
    var holdsOldUntil: Duration? {
        if case .completed(let until) = state { until } else { nil }
    }

    // MARK: Steps

    mutating func step(_ event: Event, _ look: Look) -> [Action] {
        switch state {
        case .loading: stepLoading(event, look)
        case .shadowing(let since), .baking(_, let since): stepRunning(event, look, since: since)
        case .completed(let until): stepCompleted(event, look, holdsOldUntil: until)
        case .rolledBack, .failed: []
        }
    }

    private mutating func stepLoading(_ event: Event, _ look: Look) -> [Action] {
        if case .takenBack(let reason) = event { return rollBack(reason, isToBlame: true, look) }
        switch (look.old, look.new) {
        case (_, .gone(let reason, _)):
            end(.failed(reason: reason))
            return [.setRoute(routeBefore)]
        case (.gone(let reason, _), _):
            end(.failed(reason: "version \(from) had the calls, and is gone: \(reason)"))
            return [.setRoute(routeBefore)]
        case (_, .ready): return enter(spec.shadowPercent > 0 ? .shadowing(since: look.now) : nil, step: 0, look)
        case (_, .coming): return []
        }
    }

    private mutating func stepRunning(_ event: Event, _ look: Look, since: Duration?) -> [Action] {
        switch look.new {
        case .gone(let reason, let isToBlame): return rollBack(reason, isToBlame: isToBlame, look)
        case .coming where since != nil:
            return rollBack("version \(spec.version) left memory", isToBlame: true, look)
        case .coming: break
        case .ready where since == nil: resume(at: look.now)
        case .ready: break
        }
        switch event {
        case .takenBack(let reason): return rollBack(reason, isToBlame: true, look)
        case .figures(let sample):
            window?.add(sample, at: look.now)
            observations = window?.observations ?? []
            if let broken = observations.first(where: \.isBroken) {
                return rollBack(broken.inWords, isToBlame: true, look)
            }
        case .promoted: return next(look)
        case .looked, .letGo: break
        }
        guard let since, look.now - since >= bake else { return [] }
        return next(look)
    }

    private mutating func stepCompleted(_ event: Event, _ look: Look, holdsOldUntil until: Duration?) -> [Action] {
        switch event {
        case .takenBack(let reason): return rollBack(reason, isToBlame: true, look)
        case .letGo: state = .completed(holdsOldUntil: nil)
        case .looked, .figures, .promoted:
            if let until, look.now >= until { state = .completed(holdsOldUntil: nil) }
        }
        return []
    }

    private mutating func resume(at now: Duration) {
        switch state {
        case .shadowing: state = .shadowing(since: now)
        case .baking(let step, _): state = .baking(step: step, since: now)
        case .loading, .completed, .rolledBack, .failed: break
        }
    }

    private mutating func next(_ look: Look) -> [Action] {
        switch state {
        case .shadowing: return enter(nil, step: 0, look)
        case .baking(let step, _) where step + 1 < spec.steps.count: return enter(nil, step: step + 1, look)
        case .baking:
            end(.completed(holdsOldUntil: spec.keepOld > .zero ? look.now + spec.keepOld : nil))
            return [.setRoute(ModelRoute(to: spec.version))]
        case .loading, .completed, .rolledBack, .failed: return []
        }
    }

    private mutating func enter(_ shadowing: State?, step: Int, _ look: Look) -> [Action] {
        state = shadowing ?? .baking(step: step, since: look.now)
        return [.setRoute(Self.route(spec, from: from, step: shadowing == nil ? step : nil))]
    }

    private mutating func rollBack(_ reason: String, isToBlame: Bool, _ look: Look) -> [Action] {
        guard look.old == .ready || look.new != .ready else {
            // Going back would leave callers without an answer.
            end(
                .failed(
                    reason: "\(reason); version \(from) is not ready any more to go back to, so version "
                        + "\(spec.version) goes on answering"))
            return [.setRoute(ModelRoute(to: spec.version))]
        }
        var whole = reason
        if case .gone(let other, _) = look.old { whole += "; the old version is gone too: \(other)" }
        end(.rolledBack(reason: whole))
        return [.setRoute(routeBefore)] + (isToBlame ? [.quarantine(reason: "rolled back: \(reason)")] : [])
    }

    private mutating func end(_ state: State) {
        self.state = state
        window = nil
    }

    /// How long the rules must hold in the state that it is in.
    private var bake: Duration {
        switch state {
        case .shadowing: spec.steps.first?.bake ?? .zero
        case .baking(let step, _): spec.steps.indices.contains(step) ? spec.steps[step].bake : .zero
        case .loading, .completed, .rolledBack, .failed: .zero
        }
    }

    // MARK: Routes

    /// - Parameter step: nil while the new version answers copies only.
    static func route(_ spec: RolloutSpec, from: Int, step: Int?) -> ModelRoute {
        let all = RolloutSpec.weightOfAll
        let new = step.map { spec.steps.indices.contains($0) ? spec.steps[$0].newWeight : 0 } ?? 0
        let targets = [
            ModelRoute.Target(version: from, weight: all - new), .init(version: spec.version, weight: new),
        ]
        let hasShadow = spec.shadowPercent > 0 && new < all
        return ModelRoute(
            targets: targets.filter { $0.weight > 0 }, stickyKey: spec.stickyKey,
            shadow: hasShadow ? .init(version: spec.version, percent: spec.shadowPercent) : nil)
    }
}
