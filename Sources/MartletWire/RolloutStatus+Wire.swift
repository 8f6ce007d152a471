internal import CMartletProtos
internal import MartletCore

extension RolloutStatus {
    /// - Parameter prefix: where the status stands in its message, such as `rollouts[2].`.
    init(_ status: Martlet__V1__RolloutStatus, _ prefix: @autoclosure () -> String) throws(MartletError) {
        guard let spec = status.spec?.pointee else {
            throw MartletError(.invalidArgument, "\(prefix())spec is missing")
        }
        guard let phase = Phase(status.phase) else {
            throw CField.unknownEnum(status.phase.rawValue, "\(prefix())phase")
        }
        var observations: [Observation] = []
        for (index, element) in CField.elements(status.n_observations, status.observations).enumerated() {
            guard let element = element?.pointee else { continue }
            observations.append(try Observation(element, "\(prefix())observations[\(index)]."))
        }
        self.init(
            spec: try RolloutSpec(spec, "\(prefix())spec."), from: Int(status.from), phase: phase,
            step: Int(status.step), percent: try CField.number(status.percent, in: 0...100, "\(prefix())percent"),
            remaining: try RolloutSpec.time(status.remaining_ms, "\(prefix())remaining_ms"),
            reason: try CField.text(status.reason, "\(prefix())reason"), observations: observations)
    }

    func build(in arena: Arena) -> UnsafeMutablePointer<Martlet__V1__RolloutStatus> {
        let status = arena.make(martlet__v1__rollout_status__init)
        status.pointee.spec = spec.build(in: arena)
        status.pointee.from = UInt32(clamping: from)
        status.pointee.phase = phase.wire
        status.pointee.step = Int32(clamping: step)
        status.pointee.percent = percent
        status.pointee.remaining_ms = remaining.wholeMilliseconds
        status.pointee.reason = arena.copy(reason)
        status.pointee.n_observations = observations.count
        status.pointee.observations = arena.list(observations) { $0.build(in: arena) }
        return status
    }
}

extension RolloutStatus.Observation {
    fileprivate init(
        _ observation: Martlet__V1__RolloutObservation, _ prefix: @autoclosure () -> String
    ) throws(MartletError) {
        let range = 0...Double.greatestFiniteMagnitude
        self.init(
            rule: try CField.text(observation.rule, "\(prefix())rule"),
            value: try CField.number(observation.value, in: range, "\(prefix())value"),
            limit: try CField.number(observation.limit, in: range, "\(prefix())limit"),
            count: try CField.integer(observation.count, "\(prefix())count"), isBroken: observation.broken != 0)
    }

    fileprivate func build(in arena: Arena) -> UnsafeMutablePointer<Martlet__V1__RolloutObservation> {
        let observation = arena.make(martlet__v1__rollout_observation__init)
        observation.pointee.rule = arena.copy(rule)
        observation.pointee.value = value
        observation.pointee.limit = limit
        observation.pointee.count = UInt64(clamping: count)
        observation.pointee.broken = isBroken ? 1 : 0
        return observation
    }
}

extension RolloutStatus.Phase {
    fileprivate init?(_ wire: Martlet__V1__RolloutPhase) {
        guard let phase = Self.allCases.first(where: { $0.wire == wire }) else { return nil }
        self = phase
    }

    fileprivate var wire: Martlet__V1__RolloutPhase {
        switch self {
        case .loading: MARTLET__V1__ROLLOUT_PHASE__ROLLOUT_PHASE_LOADING
        case .shadowing: MARTLET__V1__ROLLOUT_PHASE__ROLLOUT_PHASE_SHADOWING
        case .baking: MARTLET__V1__ROLLOUT_PHASE__ROLLOUT_PHASE_BAKING
        case .completed: MARTLET__V1__ROLLOUT_PHASE__ROLLOUT_PHASE_COMPLETED
        case .rolledBack: MARTLET__V1__ROLLOUT_PHASE__ROLLOUT_PHASE_ROLLED_BACK
        case .failed: MARTLET__V1__ROLLOUT_PHASE__ROLLOUT_PHASE_FAILED
        }
    }
}
