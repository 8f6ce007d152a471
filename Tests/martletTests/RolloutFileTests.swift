import MartletCore
import Testing
import martlet

@Suite("A rollout's file") struct RolloutFileTests {
    private func failure(_ text: String) -> String? {
        do {
            _ = try RolloutFile.parse(text, file: "r.yaml")
            return nil
        } catch {
            return error.status == .data ? error.message : "\(error)"
        }
    }

    @Test("the example of the help is read, every key of it")
    func example() throws {
        #expect(
            try RolloutFile.parse(RolloutFile.example, file: "r.yaml")
                == RolloutSpec(
                    model: "guard", version: 8, shadowPercent: 5, stickyKey: "user",
                    rules: RolloutSpec.Rules(errorRateMax: 0.01, p99RatioMax: 1.5, disagreementMax: 0.02)))
    }

    @Test("the example fits a terminal of 80 columns, so that it can be copied from the help")
    func exampleWidth() {
        for line in RolloutFile.example.split(separator: "\n") { #expect(line.count <= 76, "\(line)") }
    }

    @Test("JSON says the same as YAML, and what is left out has its default")
    func forms() throws {
        let json = """
            {"model": "guard", "version": 8, "route": "stable",
            \t"steps": [{"percent": 5, "bake": "90s"}, {"percent": "100 %", "bake": "1h"}],
             "rules": {"errorRate": "off", "window": "10s"}, "keepOld": "0s", "stickyKey": "X-User"}
            """
        #expect(
            try RolloutFile.parse(json, file: "r.json")
                == RolloutSpec(
                    model: "guard", label: "stable", version: 8,
                    steps: [.init(percent: 5, bake: .seconds(90)), .init(percent: 100, bake: .seconds(3_600))],
                    stickyKey: "x-user", rules: RolloutSpec.Rules(errorRateMax: nil, window: .seconds(10)),
                    keepOld: .zero))
        #expect(
            try RolloutFile.parse("model: guard\nversion: 8\n", file: "r") == RolloutSpec(model: "guard", version: 8))
        #expect(
            try RolloutFile.parse("model: guard\nversion: 8\nrules:\n  p99Ratio: 2\n", file: "r").rules
                == RolloutSpec.Rules(errorRateMax: 0.01, p99RatioMax: 2))
    }

    @Test(
        "every mistake names the file, the field and the way out",
        arguments: [
            ("", "'r.yaml' is empty"),
            ("- a\n- b", "'r.yaml' must be keys with values, such as model: …"),
            ("version: 8", "'r.yaml': model is missing"),
            ("model: guard", "'r.yaml': version is missing"),
            ("model: guard\nversion: 0", "'r.yaml': version is '0' and must be a whole number from 1"),
            ("model: a/b\nversion: 1", "'r.yaml': model is 'a/b' and must be a model's name"),
            ("modle: guard", "'r.yaml': modle is no key of a rollout; did you mean 'model'?"),
            ("zebra crossing: 1", "'r.yaml': zebra crossing is no key of a rollout"),
            (
                "model: g\nversion: 1\nrules: {errorrate: 1%}",
                "'r.yaml': rules.errorrate is no key of a rollout; did you mean 'errorRate'?"
            ),
            ("model: g\nversion: 1\nrules: 5", "'r.yaml': rules must be keys with values, such as errorRate: …"),
            ("model: g\nversion: 1\nsteps: 5", "'r.yaml': steps is 'no list' and must be a list"),
            ("model: g\nversion: 1\nsteps: []", "'r.yaml': steps is 'an empty list' and must be a list that ends"),
            ("model: g\nversion: 1\nsteps: [{percent: 5%}]", "'r.yaml': steps[0].bake is missing"),
            (
                "model: g\nversion: 1\nsteps: [{percent: 5%, bake: soon}]",
                "'r.yaml': steps[0].bake is 'soon' and must be a time such as 30s, 10m or 1h"
            ),
            (
                "model: g\nversion: 1\nsteps: [{percent: 5%, bake: 1s}, {percent: 5%, bake: 1s}]",
                "'r.yaml': steps[1].percent is '5 %' and must be above 5 %, the one before"
            ),
            (
                "model: g\nversion: 1\nsteps: [{percent: 50%, bake: 1s}]",
                "'r.yaml': steps is 'a list up to 50 %' and must be one that ends with 100 %"
            ),
            (
                "model: g\nversion: 1\nshadow: 101%",
                "'r.yaml': shadow is '101%' and must be a share such as 10% or 0.5%"
            ),
            ("model: g\nversion: 1\nshadow: nan", "'r.yaml': shadow is 'nan' and must be a share"),
            (
                "model: g\nversion: 1\nrules: {p99Ratio: 0.5}",
                "'r.yaml': rules.p99Ratio is '0.5' and must be a number of at least 1, or off"
            ),
            (
                "model: g\nversion: 1\nrules: {disagreement: 1%}",
                "'r.yaml': shadow is '0' and must be above 0: rules.disagreement compares the shadow's answers"
            ),
            ("model: [g]\nversion: 1", "'r.yaml': model is 'a list or keys' and must be one value"),
            ("model: g\nmodel: h\nversion: 1", "'r.yaml' is not YAML or JSON"),
            ("model: {", "'r.yaml' is not YAML or JSON"),
        ])
    func mistakes(text: String, expected: String) {
        let message = failure(text)
        #expect(message?.hasPrefix(expected) == true, "\(message ?? "it was read")")
    }

    @Test("a file that is too large or nests without end is refused before it is read")
    func hostile() {
        #expect(failure(String(repeating: "#", count: 70_000)) == "'r.yaml' is over 65.5 kB: it is no rollout")
        for open in ["[", "{", "{a: ", "- ", "? "] {
            #expect(failure(String(repeating: open, count: 10_000)) == "'r.yaml' nests deeper than a rollout does")
        }
    }
}
