import MartletCore
import MartletRollout
import Testing

/// `7 ready, 8 discovered` as snapshots of one model; `-` after the number: withdrawn, `*`: labelled.
private func versions(_ text: String, model: String = "m") -> [VersionSnapshot] {
    text.split(separator: ",").compactMap { item in
        let words = item.split(separator: " ")
        guard words.count == 2, let state = VersionState(rawValue: String(words[1])),
            let number = Int(words[0].filter(\.isNumber))
        else { return nil }
        return VersionSnapshot(
            VersionID(model: model, number: number), state, isAspired: !words[0].contains("-"),
            isLabelled: words[0].contains("*"))
    }
}

@Suite("AvailabilityFirst")
struct AvailabilityFirstTests {
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
            // Labels keep a version
            ("3* ready,4 ready", "-"),
            ("3* unloaded,4 ready", "load m/3"),
            ("3* failed,4 ready", "-"),
            ("3*- ready,4 ready", "unload m/3"),
            ("", "-"),
        ])
    func nextStep(text: String, expected: String) {
        let step = AvailabilityFirst().nextStep(for: versions(text))
        #expect(step?.description ?? "-" == expected)
    }

    @Test("keeps as many of the newest as asked")
    func latestTwo() {
        let policy = AvailabilityFirst(.latest(2))
        #expect(policy.nextStep(for: versions("1 discovered,2 discovered,3 discovered"))?.description == "load m/3")
        #expect(policy.nextStep(for: versions("1 discovered,2 discovered,3 ready"))?.description == "load m/2")
        #expect(policy.nextStep(for: versions("1 discovered,2 ready,3 ready")) == nil)
        #expect(policy.nextStep(for: versions("2 ready,3 ready,4 ready"))?.description == "unload m/2")
    }

    @Test("loads all, or just those named")
    func selections() {
        let all = AvailabilityFirst(.all)
        #expect(all.nextStep(for: versions("1 discovered,2 ready,3 ready"))?.description == "load m/1")
        #expect(all.nextStep(for: versions("1 ready,2 ready,3 ready")) == nil)
        let some = AvailabilityFirst(.latest(1), selections: ["m": .specific([1, 3])])
        #expect(some.nextStep(for: versions("1 discovered,2 discovered,3 ready"))?.description == "load m/1")
        #expect(some.nextStep(for: versions("1 ready,2 ready,3 ready"))?.description == "unload m/2")
        #expect(some.nextStep(for: versions("2 ready,4 discovered")) == nil, "nothing named is there")
        #expect(some.nextStep(for: versions("2 discovered", model: "other"))?.description == "load other/2")
    }

    @Test("loads for a model that cannot answer before one that can")
    func modelsThatCannotAnswerFirst() {
        let both = versions("1 ready,2 discovered", model: "a") + versions("1 discovered", model: "b")
        #expect(AvailabilityFirst().nextStep(for: both)?.description == "load b/1")
    }
}
