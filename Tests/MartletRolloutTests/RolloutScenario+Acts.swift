import MartletCore
import MartletRollout
import MartletTestSupport

/// What happens in a random life. Refusals are part of it.
extension RolloutScenario {
    func act() async throws {
        switch Int.random(in: 0..<32, using: &random) {
        case 0..<5: await publishOrWithdraw()
        case 5: loader.fail(randomID(), Bool.random(using: &random) ? "a reason" : nil)
        case 6..<10: await takeLease()
        case 10, 11: if !leases.isEmpty { leases.remove(at: Int.random(in: 0..<leases.count, using: &random)) }
        case 12..<15: clock.advance(by: .seconds(Int.random(in: 0...6, using: &random)))
        case 15, 16: await manager.settled()
        case 17, 18: try? await manager.setRoute(randomRoute(), label: randomLabel(), of: routedModel())
        case 19, 20: _ = try? await manager.start(randomSpec())
        case 21: _ = try? await manager.promote(label: randomLabel(), of: randomModel())
        case 22:
            let (label, model) = (randomLabel(), randomModel())
            await forAWhile { [manager] in
                _ = try? await manager.rollback(label: label, of: model, reason: "chance")
            }
        case 23, 24: countCalls()
        case 25, 30, 31: await operate()
        case 26: await operateOnVersion()
        case 27: try? await manager.clearQuarantine(randomID())
        case 28: store.fail(Int.random(in: 0..<3, using: &random) == 0 ? "full" : nil)
        default:
            store.fail(nil)
            try await restart()
        }
    }

    /// Gives a call up that waits for a version which this very life holds by a lease.
    private func forAWhile(_ call: @escaping @Sendable () async -> Void) async {
        let over = EventLog()
        let task = Task {
            await call()
            over.write("over")
        }
        for _ in 0..<2_000 where over.isEmpty { await Task.yield() }
        task.cancel()
        await task.value
    }

    private func publishOrWithdraw() async {
        let id = randomID()
        if aspired[id] == nil || Bool.random(using: &random) {
            // Mostly the same bytes again.
            let fingerprint = "\(max(0, Int.random(in: -8...3, using: &random)))"
            aspired[id] = AspiredVersion(id: id, location: "", fingerprint: fingerprint)
        } else {
            aspired[id] = nil
            answering.remove(id.model)
        }
        await manager.aspire(to: Array(aspired.values))
    }

    private func takeLease() async {
        let label = Bool.random(using: &random) ? randomLabel() : ""
        let reference = ModelReference(name: randomModel(), selector: label.isEmpty ? .latest : .label(label))
        let metadata = CallMetadata([(name: "x", value: [UInt8.random(in: 0...9, using: &random)])])
        let routed =
            Bool.random(using: &random)
            ? try? manager.lease(reference, for: metadata)
            : try? await manager.leaseWaking(reference, for: metadata)
        guard let routed else { return }
        check(routed, label: label)
        leases.append(routed.lease)
    }

    private func countCalls() {
        let id = randomID()
        if Bool.random(using: &random) {
            loader.calls.failed(id, Int.random(in: 1...5, using: &random))
        } else {
            loader.calls.answered(id, Int.random(in: 1...20, using: &random), in: .milliseconds(id.number))
        }
    }

    private func operate() async {
        let model = randomModel()
        if Bool.random(using: &random) {
            answering.remove(model)
            try? await manager.unload(model: model)
        } else {
            _ = try? await manager.load(model: model) { [aspired] () throws(MartletError) in Array(aspired.values) }
        }
    }

    private func operateOnVersion() async {
        let id = randomID()
        if Bool.random(using: &random) {
            answering.remove(id.model)
            if (try? await manager.unload(version: id)) != nil { unwanted.insert(id) }
        } else {
            let source = { @Sendable [aspired] () throws(MartletError) in Array(aspired.values) }
            await forAWhile { [manager] in _ = try? await manager.load(version: id, asking: source) }
            unwanted = (try? store.load())??.models.reduce(into: Set<VersionID>()) { unwanted, model in
                for (number, isWanted) in model.value.wishes where !isWanted {
                    unwanted.insert(VersionID(model: model.key, number: number))
                }
            } ?? unwanted
        }
    }

    /// A route of `latest` may lead elsewhere: what answered is not owed any more.
    private func routedModel() -> String {
        let model = randomModel()
        answering.remove(model)
        return model
    }

    private func randomRoute() -> ModelRoute? {
        guard Int.random(in: 0..<4, using: &random) > 0 else { return nil }
        let numbers = (1...5).shuffled(using: &random).prefix(Int.random(in: 1...3, using: &random))
        var route = ModelRoute(
            targets: numbers.map { .init(version: $0, weight: Int.random(in: 1...100, using: &random)) },
            stickyKey: Bool.random(using: &random) ? "x" : "")
        if Int.random(in: 0..<3, using: &random) == 0 {
            route.shadow = .init(version: Int.random(in: 1...5, using: &random), percent: 50)
        }
        return route
    }

    private func randomSpec() -> RolloutSpec {
        let bake = Duration.seconds(Int.random(in: 0...5, using: &random))
        let hasShadow = Bool.random(using: &random)
        return RolloutSpec(
            model: randomModel(), label: randomLabel(), version: Int.random(in: 1...5, using: &random),
            steps: [.init(percent: 10, bake: bake), .init(percent: 50, bake: bake), .init(percent: 100, bake: bake)],
            shadowPercent: hasShadow ? 50 : 0, stickyKey: Bool.random(using: &random) ? "x" : "",
            rules: .init(errorRateMax: 0.2, p99RatioMax: 3, disagreementMax: hasShadow ? 0.1 : nil, callsMin: 5),
            keepOld: .seconds(Int.random(in: 0...10, using: &random)))
    }

    private func randomModel() -> String { Self.models.randomElement(using: &random) ?? "a" }

    private func randomLabel() -> String { ["latest", "latest", "blue", "green"].randomElement(using: &random) ?? "" }

    private func randomID() -> VersionID {
        VersionID(model: randomModel(), number: Int.random(in: 1...5, using: &random))
    }
}
