package import MartletCore

/// What starting a rollout would do.
extension RolloutManager {
    struct RolloutBasis {
        /// The version that has the calls now; 0 when none has.
        var from = 0
        var current: ModelRoute?
        var problems: [String] = []
    }

    /// - Throws: `.notFound` for a model that nobody knows.
    package func plan(_ spec: RolloutSpec) async throws(MartletError) -> RolloutPlan {
        try requireRunning()
        try requireKnown(spec.model)
        let basis = basis(of: spec)
        var plan = RolloutPlan(
            from: basis.from, to: spec.version, current: basis.current, memoryLeft: memoryLeft ?? -1,
            problems: basis.problems)
        if spec.problems.isEmpty, basis.from > 0 {
            plan.stages = spec.steps.indices.map { RolloutProgress.route(spec, from: basis.from, step: $0) }
        }
        let new = VersionID(model: spec.model, number: spec.version)
        guard let record = records[new], !record.isInMemory else { return plan }
        plan.loads = true
        do throws(MartletError) {
            plan.memoryNeeded = max(0, try await loader.memoryNeeded(record.aspired))
        } catch {
            plan.problems.append("version \(spec.version) cannot be loaded: \(error.message)")
            return plan
        }
        plan.memoryLeft = memoryLeft ?? -1
        if let left = memoryLeft, let budget = configuration.memoryBytesMax, record.memoryBytes == 0 {
            let room = modelsThatMayGo(except: spec.model).reduce(left) { $0 &+ $1.bytes }
            if plan.memoryNeeded > room {
                plan.problems.append(
                    "version \(spec.version) does not fit: "
                        + Self.refusal(needed: plan.memoryNeeded, left: room, budget: budget))
            }
        }
        return plan
    }

    /// What a rollout begins from, and why it cannot; the memory it needs aside.
    func basis(of spec: RolloutSpec) -> RolloutBasis {
        var basis = RolloutBasis(problems: spec.problems)
        let (model, label, version) = (spec.model, spec.label, spec.version)
        basis.current = routes(of: model)[label]
        if let running = progress[RouteKey(model: model, label: label)], running.isRunning {
            basis.problems.append(
                "a rollout of version \(running.spec.version) goes on; wait for its end, or end it with `martlet "
                    + "rollout promote` or `martlet rollout rollback`")
        }
        let new = VersionID(model: model, number: version)
        if let record = records[new], record.isAspired {
            if let entry = quarantine(of: new) {
                basis.problems.append(
                    "version \(version) is in quarantine: \(entry.reason); publish another version, or clear that "
                        + "first (ClearQuarantine)")
            } else if isOut(new), !asleep.contains(model) {
                basis.problems.append(
                    "version \(version) was unloaded by request; load it again first (LoadModel, LoadVersion)")
            }
        } else {
            basis.problems.append(
                "there is no version \(version) of model \(model) in the models folder; publish it first")
        }
        basis.problems += findOld(&basis, spec)
        return basis
    }

    /// Sets the version that has the calls now.
    /// - Returns: why there is none.
    private func findOld(_ basis: inout RolloutBasis, _ spec: RolloutSpec) -> [String] {
        let (model, label, version) = (spec.model, spec.label, spec.version)
        guard let route = basis.current else {
            guard label == "latest" else {
                return [
                    "label \(label) of model \(model) leads nowhere; point it at a version first, with `martlet models "
                        + "label`"
                ]
            }
            let ready = records.filter { id, record in
                guard id.model == model, case .ready = record.phase else { return false }
                return quarantine(of: id) == nil
            }
            guard let latest = ready.keys.max()?.number else {
                return ["no version of model \(model) answers now; load it first (LoadModel)"]
            }
            if latest == version { return [Self.hasAll(version, label)] }
            basis.from = latest
            return []
        }
        let others = route.targets.filter { $0.version != version }
        guard let old = others.first else { return [Self.hasAll(version, label)] }
        guard others.count == 1 else {
            let versions = route.targets.map { "\($0.version)" }.joined(separator: ", ")
            return [
                "label \(label) shares its calls among versions \(versions); "
                    + "point it at one of them first, with `martlet models label`"
            ]
        }
        basis.from = old.version
        guard presence(of: VersionID(model: model, number: old.version)) == .ready else {
            return ["version \(old.version), which label \(label) leads to, does not answer now; load it first"]
        }
        return []
    }

    private static func hasAll(_ version: Int, _ label: String) -> String {
        "version \(version) has all calls of \(label) already"
    }
}
