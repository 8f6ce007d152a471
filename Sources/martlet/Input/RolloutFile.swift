import Foundation
import MartletCore

/// A rollout as its owner declares it in a file.
package enum RolloutFile {
    /// What the help shows: every key with what it means.
    package static let example = """
        model: guard         # the only keys that must be there:
        version: 8           # the new version
        route: latest        # the label; latest: calls that name the model alone
        steps:               # shares of the calls, and how long each must hold
          - {percent: 1%, bake: 10m}
          - {percent: 10%, bake: 10m}
          - {percent: 50%, bake: 10m}
          - {percent: 100%, bake: 10m}
        shadow: 5%           # calls that it also answers for comparison
        stickyKey: user      # header whose value decides; without it: chance
        rules:               # a broken one gives the calls back
          errorRate: 1%      # its calls that fail; off: not looked at
          p99Ratio: 1.5      # slowest calls, new over old
          disagreement: 2%   # texts whose label differs; needs the shadow
          minimumCalls: 100  # below so many calls a rule says nothing
          window: 30s        # how far back a rule looks
        keepOld: 1h          # so long a rollback afterwards is at once
        """

    private static let keys = ["model", "version", "route", "steps", "shadow", "stickyKey", "rules", "keepOld"]
    private static let ruleKeys = ["errorRate", "p99Ratio", "disagreement", "minimumCalls", "window"]
    private static let percent = "a share such as 10% or 0.5%"
    private static let time = "a time such as 30s, 10m or 1h"

    /// - Parameter path: `-` for standard input.
    package static func read(_ path: String) throws(CommandFailure) -> RolloutSpec {
        let descriptor = try InputFile.open(path)
        defer { if descriptor != 0 { close(descriptor) } }
        let name = path == "-" ? "standard input" : path
        var bytes: [UInt8] = []
        while bytes.count <= YAMLFields.fileBytesMax {
            let part = try InputFile.read(descriptor, name: "'\(name)'", upTo: YAMLFields.fileBytesMax + 1)
            if part.isEmpty { break }
            bytes += part
        }
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw CommandFailure(.data, "'\(name)' is not UTF-8 text")
        }
        return try parse(text, file: name)
    }

    package static func parse(_ text: String, file: String) throws(CommandFailure) -> RolloutSpec {
        let fields = try YAMLFields.parse(text, file: file, keys: keys)
        guard let model = try fields.text("model") else { throw fields.missing("model") }
        guard VersionID.isValidModelName(model) else { throw fields.wrong("model", model, "a model's name") }
        guard let version = try fields.value("version", "a whole number from 1", number) else {
            throw fields.missing("version")
        }
        var spec = RolloutSpec(model: model, version: version)
        if let label = try fields.text("route") {
            guard VersionID.isValidModelName(label) else { throw fields.wrong("route", label, "a version label") }
            spec.label = label
        }
        if let steps = try fields.list("steps", keys: ["percent", "bake"]) { spec.steps = try read(steps, in: fields) }
        spec.shadowPercent = try fields.value("shadow", percent, Self.share) ?? 0
        spec.stickyKey = (try fields.text("stickyKey") ?? "").lowercased()
        if let rules = try fields.fields("rules", keys: ruleKeys) { try read(rules, into: &spec.rules) }
        spec.keepOld = try fields.value("keepOld", time, SettingValue.duration) ?? spec.keepOld
        if spec.rules.disagreementMax != nil, spec.shadowPercent == 0 {
            throw fields.wrong("shadow", "0", "above 0: rules.disagreement compares the shadow's answers")
        }
        return spec
    }

    private static func read(
        _ steps: [YAMLFields], in fields: YAMLFields
    ) throws(CommandFailure) -> [RolloutSpec.Step] {
        guard !steps.isEmpty else { throw fields.wrong("steps", "an empty list", "a list that ends with 100 %") }
        var read: [RolloutSpec.Step] = []
        for step in steps {
            guard let share = try step.value("percent", percent, Self.share) else { throw step.missing("percent") }
            guard share > read.last?.percent ?? 0 else {
                throw step.wrong("percent", text(share), "above \(text(read.last?.percent ?? 0)), the one before")
            }
            guard let bake = try step.value("bake", time, SettingValue.duration) else { throw step.missing("bake") }
            read.append(RolloutSpec.Step(percent: share, bake: bake))
        }
        guard read.last?.percent == 100 else {
            throw fields.wrong("steps", "a list up to \(text(read.last?.percent ?? 0))", "one that ends with 100 %")
        }
        return read
    }

    private static func read(_ fields: YAMLFields, into rules: inout RolloutSpec.Rules) throws(CommandFailure) {
        if let limit = try fields.value("errorRate", percent + ", or off", limit) { rules.errorRateMax = limit }
        if let limit = try fields.value("disagreement", percent + ", or off", limit) { rules.disagreementMax = limit }
        if let ratio = try fields.value("p99Ratio", "a number of at least 1, or off", ratio) {
            rules.p99RatioMax = ratio
        }
        rules.callsMin = try fields.value("minimumCalls", "a whole number from 1", number) ?? rules.callsMin
        if let window = try fields.value("window", time, SettingValue.duration) {
            guard window > .zero else { throw fields.wrong("window", "0", time) }
            rules.window = window
        }
    }

    // MARK: Values

    private static func number(_ text: String) -> Int? {
        guard let value = SettingValue.count(text), (1...Int(UInt32.max)).contains(value) else { return nil }
        return value
    }

    /// `1%`, `1 %` and `1` are one per cent.
    package static func share(_ text: String) -> Double? {
        let digits = text.hasSuffix("%") ? text.dropLast().trimmingCharacters(in: .whitespaces) : text
        guard let value = Double(digits), (0...100).contains(value) else { return nil }
        return value
    }

    /// The limit of a rule as a share of 1; the inner nil is `off`.
    private static func limit(_ text: String) -> Double?? {
        isOff(text) ? .some(nil) : share(text).map { .some($0 / 100) }
    }

    private static func ratio(_ text: String) -> Double?? {
        if isOff(text) { return .some(nil) }
        guard let value = Double(text), value.isFinite, value >= 1 else { return nil }
        return .some(value)
    }

    private static func isOff(_ text: String) -> Bool { ["off", "none", "false", "no"].contains(text.lowercased()) }

    private static func text(_ percent: Double) -> String { Quantity.percent(percent / 100) }
}
