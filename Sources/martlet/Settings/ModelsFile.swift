import MartletCore
import MartletRollout

/// The file of `modelsConfig`: what is wanted of all models and of each, in YAML or JSON.
package enum ModelsFile {
    /// What the help shows.
    static let example = """
        memory: 8GiB                  # of all versions together; 0: no limit
        defaults: { versions: latest 1 }
        models:
          guard:
            versions: latest 2        # or all, routed, [3, 4]
            order: availability       # or memory: unload the old version first
            idleUnload: 30min         # leaves memory without calls, the next one loads it again; never: it stays
            pin: true                 # never unloaded to make room for another model
            labels: { stable: 3 }     # unless an operator sets it
        """

    /// A thousand models take about 200 KiB; `libyaml` itself stops at a depth of 1000.
    private static let form = YAMLFields.Form(
        name: "modelsConfig", status: .configuration, bytesMax: 4 << 20, bracketsMax: 32_768)
    private static let policyKeys = ["versions", "order", "idleUnload", "pin"]
    private static let versionsWanted = "latest, latest N, all, routed, or a list of versions such as [1, 3]"

    /// - Parameter memoryBytesMax: holds where the file says nothing about memory; nil for no limit.
    /// - Throws: `.configuration` naming file, field and what it must be.
    package static func read(
        _ path: String, memoryBytesMax: Int? = nil
    ) throws(CommandFailure) -> RolloutConfiguration {
        let data = try SettingsFile.read(path, name: form.name, upTo: form.bytesMax + 1)
        guard let text = String(validating: data, as: UTF8.self) else {
            throw CommandFailure(.configuration, "modelsConfig '\(path)' is not UTF-8 text")
        }
        return try parse(text, file: path, memoryBytesMax: memoryBytesMax)
    }

    package static func parse(
        _ text: String, file: String, memoryBytesMax: Int? = nil
    ) throws(CommandFailure) -> RolloutConfiguration {
        var configuration = RolloutConfiguration(memoryBytesMax: memoryBytesMax)
        // An empty file wants what no file wants.
        guard text.contains(where: { !$0.isWhitespace }) else { return configuration }
        let fields = try YAMLFields.parse(text, file: file, form: form, keys: ["memory", "defaults", "models"])
        if let bytes = try fields.value(
            "memory", SettingKind.bytes.wanted + ", or 0 for no limit", SettingValue.bytes)
        {
            configuration.memoryBytesMax = bytes == 0 ? nil : bytes
        }
        if let defaults = try fields.fields("defaults", keys: policyKeys) {
            configuration.defaults = try policy(defaults, over: ModelPolicy())
        }
        guard let models = try fields.fields("models", keys: nil) else { return configuration }
        for model in models.names {
            guard VersionID.isValidModelName(model) else {
                throw CommandFailure(
                    .configuration,
                    "'\(file)': models.\(Excerpt.oneLine(model)) is no model's name: 1 to 128 of A-Z a-z 0-9 . _ -")
            }
            guard let fields = try models.fields(model, keys: policyKeys + ["labels"]) else { continue }
            configuration.models[model] = try policy(fields, over: configuration.defaults)
            if let labels = try fields.fields("labels", keys: nil) {
                configuration.labels[model] = try self.labels(labels)
            }
        }
        return configuration
    }

    private static func policy(
        _ fields: YAMLFields, over defaults: ModelPolicy
    ) throws(CommandFailure) -> ModelPolicy {
        var policy = defaults
        if let selection = try selection(fields) { policy.selection = selection }
        policy.order =
            try fields.value("order", "availability or memory") { text in
                switch text {
                case "availability": ModelPolicy.Order.availabilityFirst
                case "memory": .memoryFirst
                default: nil
                }
            } ?? policy.order
        policy.isPinned = try fields.value("pin", SettingKind.flag.wanted, SettingValue.flag) ?? policy.isPinned
        // Of two optionals the outer says whether the key is there, the inner whether the model ever leaves.
        let idle = try fields.value("idleUnload", "a time above zero such as 30min, or never") { text -> Duration?? in
            if text == "never" { return .some(nil) }
            guard let time = SettingValue.duration(text), time > .zero else { return nil }
            return .some(time)
        }
        if let idle { policy.idleUnload = idle }
        return policy
    }

    private static func selection(_ fields: YAMLFields) throws(CommandFailure) -> VersionSelection? {
        if let texts = try fields.texts("versions", versionsWanted) {
            let numbers = texts.compactMap(version)
            guard !texts.isEmpty, numbers.count == texts.count else {
                throw fields.wrong("versions", texts.joined(separator: ", "), versionsWanted)
            }
            return .specific(Set(numbers))
        }
        return try fields.value("versions", versionsWanted) { text in
            let words = text.split(separator: " ").map(String.init)
            switch (words.first, words.count) {
            case ("all", 1): return .all
            case ("routed", 1): return .routed
            case ("latest", 1): return .latest(1)
            case ("latest", 2): return version(words[1]).map { .latest($0) }
            default: return nil
            }
        }
    }

    private static func labels(_ fields: YAMLFields) throws(CommandFailure) -> [String: Int] {
        var labels: [String: Int] = [:]
        for label in fields.names {
            guard VersionID.isValidModelName(label) else {
                throw fields.wrong(label, label, "a label: 1 to 128 of A-Z a-z 0-9 . _ -")
            }
            labels[label] = try fields.value(label, "a version's number, at least 1", version)
        }
        return labels
    }

    private static func version(_ text: String) -> Int? {
        SettingValue.count(text).flatMap { $0 >= 1 ? $0 : nil }
    }
}
