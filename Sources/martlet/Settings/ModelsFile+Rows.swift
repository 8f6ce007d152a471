import MartletRollout

extension ModelsFile {
    /// What a configuration says, for people: names as in the file, values as it would have them.
    static func rows(_ configuration: RolloutConfiguration) -> [(field: String, value: String)] {
        var rows = [(field: "memory", value: configuration.memoryBytesMax.map { Quantity.bytes($0) } ?? "no limit")]
        rows.append(("defaults", text(configuration.defaults)))
        for (model, policy) in configuration.models.sorted(by: { $0.key < $1.key }) {
            rows.append(("models.\(model)", text(policy)))
            let labels = (configuration.labels[model] ?? [:]).sorted { $0.key < $1.key }
            if !labels.isEmpty {
                rows.append(
                    ("models.\(model).labels", labels.map { "\($0.key) → \($0.value)" }.joined(separator: ", ")))
            }
        }
        return rows
    }

    private static func text(_ policy: ModelPolicy) -> String {
        let versions =
            switch policy.selection {
            case .all: "all"
            case .latest(let count): "latest \(count)"
            case .routed: "routed"
            case .specific(let numbers): numbers.sorted().map(String.init).joined(separator: ", ")
            }
        var parts = ["versions: \(versions)"]
        parts.append("order: \(policy.order == .availabilityFirst ? "availability" : "memory")")
        parts.append("idleUnload: \(policy.idleUnload.map { SettingValue.text($0) } ?? "never")")
        if policy.isPinned { parts.append("pinned") }
        return parts.joined(separator: "; ")
    }
}
