import MartletCore

/// The words of `martlet models route guard stable 7=90 8=10` behind the model.
package struct RouteWords: Hashable, Sendable {
    package var label = "latest"
    package var targets: [ModelRoute.Target] = []

    /// - Throws: `.usage` naming the word that is wrong.
    package init(parsing words: [String]) throws(CommandFailure) {
        var words = words[...]
        if let first = words.first, Self.target(first) == nil, !first.contains("=") {
            guard VersionID.isValidModelName(first) else {
                throw CommandFailure(.usage, "'\(first)' is neither a version label nor a version such as 8 or 8=10")
            }
            label = first
            words.removeFirst()
        }
        for word in words {
            guard let target = Self.target(word) else {
                throw CommandFailure(
                    .usage, "'\(word)' must be a version, or a version and its weight from 1 to 1000000: 8 or 8=10")
            }
            targets.append(target)
        }
        if targets.count > 1, let bare = words.first(where: { !$0.contains("=") }) {
            throw CommandFailure(.usage, "give every version a weight, as in \(bare)=50: a split has no default")
        }
    }

    /// `8=2.5` as a shadow of 2.5 per cent; a `%` may follow.
    package static func shadow(_ text: String) throws(CommandFailure) -> ModelRoute.Shadow {
        let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        guard parts.count == 2, let version = number(parts[0], atMost: Int(UInt32.max)),
            let percent = RolloutFile.share(parts[1]), percent > 0
        else {
            throw CommandFailure(.usage, "--shadow '\(text)' must be a version and a share of the calls, as in 9=5%")
        }
        return ModelRoute.Shadow(version: version, percent: percent)
    }

    private static func target(_ word: String) -> ModelRoute.Target? {
        let parts = word.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        guard let first = parts.first, let version = number(first, atMost: Int(UInt32.max)) else { return nil }
        guard parts.count == 2 else { return ModelRoute.Target(version: version, weight: 1) }
        return number(parts[1], atMost: 1_000_000).map { ModelRoute.Target(version: version, weight: $0) }
    }

    private static func number(_ text: String, atMost most: Int) -> Int? {
        guard let value = SettingValue.count(text), (1...most).contains(value) else { return nil }
        return value
    }
}
