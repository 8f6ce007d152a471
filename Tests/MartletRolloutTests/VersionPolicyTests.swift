import MartletCore
import MartletRollout
import MartletTestSupport
import Testing

/// `7 ready,8 discovered` as snapshots of one model. After the number: `-` withdrawn, `*` kept, `!` refused, `x` must
/// leave, `+` may return.
private func versions(_ text: String, model: String = "m") -> [VersionSnapshot] {
    text.split(separator: ",").compactMap { item in
        let words = item.split(separator: " ")
        guard words.count == 2, let state = VersionState(rawValue: String(words[1])),
            let number = Int(words[0].filter(\.isNumber))
        else { return nil }
        return VersionSnapshot(
            VersionID(model: model, number: number), state, isAspired: !words[0].contains("-"),
            isKept: words[0].contains("*"), isRefused: words[0].contains("!"), mustLeave: words[0].contains("x"),
            mayReturn: words[0].contains("+"))
    }
}

@Suite("VersionPolicy")
struct VersionPolicyTests {
    @Test(
        "takes the single next step",
        arguments: [
            // Loading
            ("1 discovered", "load m/1"),
            ("1 discovered,2 discovered,3 discovered", "load m/3"),
            ("7 ready,8 discovered", "load m/8"),
            ("7 ready,8 loading", "-"),
            ("7 ready,8 warming,9 discovered", "load m/9"),
            ("7 unloaded,8 failed", "load m/7"),
            ("7 ready,8 failed", "-"),
            ("7 unloaded,8- ready", "load m/7"),
            // Unloading
            ("7 ready,8 ready", "unload m/7"),
            ("6 ready,7 ready,8 ready", "unload m/6"),
            ("7 draining,8 ready", "-"),
            ("7- ready", "unload m/7"),
            ("7- ready,8 discovered", "load m/8"),
            ("7- ready,8 loading", "-"),
            ("7- ready,8 failed", "-"),
            ("6- ready,7- ready,8 failed", "unload m/6"),
            ("7 loading,8- ready", "-"),
            ("7 ready,8- ready", "unload m/8"),
            // What something leads to stays
            ("3* ready,4 ready", "-"),
            ("3* unloaded,4 ready", "load m/3"),
            ("3* failed,4 ready", "-"),
            ("3*- ready,4 ready", "unload m/3"),
            // Refused: quarantine, no memory
            ("7 unloaded,8! discovered", "load m/7"),
            ("7 ready,8! discovered", "-"),
            ("7 ready,8! ready", "unload m/8"),
            ("8! ready", "-"),
            // An operator wants it out
            ("7 discovered,8x ready", "load m/7"),
            ("7 loading,8x ready", "-"),
            ("7 ready,8x ready", "unload m/8"),
            ("7 failed,8x ready", "unload m/8"),
            ("8x ready", "unload m/8"),
            ("8x discovered", "-"),
            // Back before it was gone
            ("8+ draining", "load m/8"),
            ("8 draining", "-"),
            ("", "-"),
        ])
    func nextStep(text: String, expected: String) {
        let step = VersionPolicy().nextStep(for: versions(text))
        #expect(step?.description ?? "-" == expected)
    }

    @Test(
        "unloads the old before it loads the new, where memory goes first",
        arguments: [
            ("7 ready,8 discovered", "unload m/7"),
            ("7 draining,8 discovered", "-"),
            ("7 unloaded,8 discovered", "load m/8"),
            ("7 unloaded,8 failed", "load m/7"),
            ("7 ready,8 failed", "-"),
            ("7 ready,8! discovered", "-"),
            ("7* ready,8 discovered", "load m/8"),
            ("6 ready,7* ready,8 discovered", "unload m/6"),
            ("7x ready", "unload m/7"),
            ("7- ready,8 failed", "-"),
            ("6- ready,7- ready,8 failed", "unload m/6"),
        ])
    func memoryFirst(text: String, expected: String) {
        let policy = policy(.latest(1), order: .memoryFirst)
        #expect(policy.nextStep(for: versions(text))?.description ?? "-" == expected)
    }

    private func policy(_ selection: VersionSelection, order: ModelPolicy.Order = .availabilityFirst) -> VersionPolicy {
        VersionPolicy(RolloutConfiguration(models: ["m": ModelPolicy(selection: selection, order: order)]))
    }

    @Test(
        "wants of a model what its selection names, and what is kept",
        arguments: [
            (VersionSelection.latest(2), "1 discovered,2 discovered,3 discovered", "load m/3"),
            (.latest(2), "1 discovered,2 discovered,3 ready", "load m/2"),
            (.latest(2), "1 discovered,2 ready,3 ready", "-"),
            (.latest(2), "2 ready,3 ready,4 ready", "unload m/2"),
            (.latest(0), "2 discovered", "load m/2"),
            (.all, "1 discovered,2 ready,3 ready", "load m/1"),
            (.all, "1 ready,2 ready,3 ready", "-"),
            (.specific([1, 3]), "1 discovered,2 discovered,3 ready", "load m/1"),
            (.specific([1, 3]), "1 ready,2 ready,3 ready", "unload m/2"),
            (.specific([1, 3]), "2 ready,4 discovered", "-"),
            (.specific([1, 3]), "1 ready,2* discovered,3 ready", "load m/2"),
            (.routed, "1 discovered,2 discovered", "-"),
            (.routed, "1* discovered,2 discovered", "load m/1"),
            (.routed, "1* ready,2 ready", "unload m/2"),
            (.routed, "1 ready,2 ready", "unload m/1"),
            (.routed, "2 ready", "-"),
        ])
    func selections(selection: VersionSelection, text: String, expected: String) {
        #expect(policy(selection).nextStep(for: versions(text))?.description ?? "-" == expected)
    }

    @Test("goes by the defaults for a model that has no rules of its own")
    func defaults() {
        let policy = policy(.specific([1]))
        #expect(policy.nextStep(for: versions("2 discovered", model: "other"))?.description == "load other/2")
    }

    @Test("asked twice about the same it answers the same, and following it ends")
    func pure() {
        for selection in [VersionSelection.latest(1), .latest(2), .all, .specific([2]), .routed] {
            for order in ModelPolicy.Order.allCases {
                let policy = policy(selection, order: order)
                var random = SeededGenerator(seed: 7)
                for _ in 0..<200 {
                    var world = (1...5).map { number in
                        VersionSnapshot(
                            VersionID(model: "m", number: number),
                            [.discovered, .ready, .unloaded, .failed].randomElement(using: &random) ?? .ready,
                            isAspired: Int.random(in: 0..<4, using: &random) > 0,
                            isKept: Int.random(in: 0..<4, using: &random) == 0,
                            isRefused: Int.random(in: 0..<4, using: &random) == 0,
                            mustLeave: Int.random(in: 0..<8, using: &random) == 0)
                    }
                    var steps = 0
                    while let step = policy.nextStep(for: world), steps < 20 {
                        #expect(policy.nextStep(for: world.reversed()) == step)
                        for place in world.indices where world[place].id == step.id {
                            if case .load = step { world[place].state = .ready } else { world[place].state = .unloaded }
                        }
                        steps += 1
                    }
                    #expect(steps < 20, "\(world)")
                }
            }
        }
    }

    @Test("loads for a model that cannot answer before one that can")
    func modelsThatCannotAnswerFirst() {
        let both = versions("1 ready,2 discovered", model: "a") + versions("1 discovered", model: "b")
        #expect(VersionPolicy().nextStep(for: both)?.description == "load b/1")
    }
}
