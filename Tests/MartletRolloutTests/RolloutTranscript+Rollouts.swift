import MartletCore
import MartletRollout

/// Commands of routes and rollouts.
extension RolloutTranscript {
    func runRollout(_ command: String, _ words: [String]) async throws(MartletError) -> [String] {
        switch command {
        case "route":
            // route canary a 7=99 8=1 key=x-user shadow=8:50
            var route = ModelRoute(targets: [])
            for (name, value) in pairs(words.dropFirst(2)) {
                switch name {
                case "key": route.stickyKey = value
                case "shadow":
                    let parts = value.split(separator: ":")
                    route.shadow = .init(version: Int(parts[0]) ?? 0, percent: Double(parts[1]) ?? 0)
                default: route.targets.append(.init(version: Int(name) ?? 0, weight: Int(value) ?? 0))
                }
            }
            try await manager.setRoute(route, label: words[0], of: words[1])
        case "routes":
            return manager.routeStatuses().map { status in
                let targets = status.route.targets.map { "\($0.version)=\($0.weight)" }.joined(separator: " ")
                let shadow = status.route.shadow.map { " shadow=\($0.version):\(Int($0.percent))" } ?? ""
                let seen = status.comparison.map { " agreed \($0.agreed) of \($0.texts)" } ?? ""
                return "\(status.name):\(status.label) \(targets)\(shadow)\(seen)"
            }
        case "answered": loader.calls.answered(id(words[0]), Int(words[1]) ?? 0, in: .milliseconds(Int(words[2]) ?? 0))
        case "failed": loader.calls.failed(id(words[0]), Int(words[1]) ?? 0)
        case "compared":
            // compared a 90 of 100
            var shadow: (lease: Lease<FakeVersion>, recorder: ShadowRecorder)?
            // Some calls go to the version that is the shadow.
            for _ in 0..<100 where shadow == nil { shadow = try manager.lease(ModelReference(name: words[0])).shadow }
            guard let shadow else { return ["no shadow"] }
            let agreed = Int(words[1]) ?? 0
            shadow.recorder.compared(
                (0..<(Int(words[3]) ?? 0)).map { ($0 < agreed, $0 < agreed ? 0 : 0.5) },
                callerTime: .milliseconds(1), shadowTime: .milliseconds(2))
        case "plan":
            let plan = try await manager.plan(spec(words))
            let stages = plan.stages.map { $0.targets.map { "\($0.version)=\($0.weight)" }.joined(separator: " ") }
            return [
                "from \(plan.from) to \(plan.to), loads: \(plan.loads), needs \(plan.memoryNeeded) of \(plan.memoryLeft)"
            ] + stages + plan.problems.map { "problem: \($0)" }
        case "start": return [line(try await manager.start(spec(words)))]
        case "promote":
            let key = key(words[0])
            return [line(try await manager.promote(label: key.label, of: key.model))]
        case "rollback":
            let key = key(words[0])
            let reason = words.dropFirst().joined(separator: " ")
            return [line(try await manager.rollback(label: key.label, of: key.model, reason: reason))]
        case "rollouts": return manager.rollouts().map(line)
        default: return ["unknown command \(command)"]
        }
        return []
    }

    /// `a 8 label=stable steps=1:60,100:60 shadow=10 key=x error=0.1 p99=2 differ=0.1 min=10 window=30 keep=100`
    private func spec(_ words: [String]) -> RolloutSpec {
        var spec = RolloutSpec(
            model: words[0], version: Int(words[1]) ?? 0,
            steps: [.init(percent: 10, bake: .seconds(10)), .init(percent: 100, bake: .seconds(10))],
            rules: .init(errorRateMax: nil, callsMin: 10), keepOld: .seconds(60))
        for (name, value) in pairs(words.dropFirst(2)) {
            switch name {
            case "label": spec.label = value
            case "steps":
                spec.steps = value.split(separator: ",").map { step in
                    let parts = step.split(separator: ":")
                    return .init(percent: Double(parts[0]) ?? 0, bake: .seconds(Int(parts[1]) ?? 0))
                }
            case "shadow": spec.shadowPercent = Double(value) ?? 0
            case "key": spec.stickyKey = value
            case "error": spec.rules.errorRateMax = Double(value)
            case "p99": spec.rules.p99RatioMax = Double(value)
            case "differ": spec.rules.disagreementMax = Double(value)
            case "min": spec.rules.callsMin = Int(value) ?? 0
            case "window": spec.rules.window = .seconds(Int(value) ?? 0)
            case "keep": spec.keepOld = .seconds(Int(value) ?? 0)
            default: break
            }
        }
        return spec
    }

    private func line(_ status: RolloutStatus) -> String {
        let reason = status.reason.isEmpty ? "" : ": \(status.reason)"
        let seen = status.observations.map { observation in
            " \(observation.rule)=\(observation.value) of \(observation.count)"
        }
        return "\(status.spec.model):\(status.spec.label) \(status.from) to \(status.spec.version) "
            + "\(status.phase.rawValue) step \(status.step), \(status.percent) %, "
            + "\(status.remaining.components.seconds) s\(seen.joined())\(reason)"
    }

    private func key(_ word: String) -> (model: String, label: String) {
        let parts = word.split(separator: ":").map(String.init)
        return (parts[0], parts[1])
    }

    private func pairs(_ words: some Sequence<String>) -> [(String, String)] {
        words.map { word in
            let parts = word.split(separator: "=", maxSplits: 1).map(String.init)
            return (parts[0], parts.count > 1 ? parts[1] : "")
        }
    }
}
