import MartletCore

/// One thing that can be set, by a flag, the environment or a file.
package struct Setting: Sendable {
    /// As in the file, such as `limits.drainTimeout`. The environment's name follows from it:
    /// `MARTLET_LIMITS_DRAIN_TIMEOUT`.
    package let key: String
    package let kind: SettingKind
    package let fallback: String
    package let help: String

    package init(_ key: String, _ kind: SettingKind, default fallback: String, _ help: String) {
        self.key = key
        self.kind = kind
        self.fallback = fallback
        self.help = help
    }

    package var components: [String] { key.split(separator: ".").map(String.init) }

    /// `limits.drainTimeout` becomes `MARTLET_LIMITS_DRAIN_TIMEOUT`.
    package var environmentName: String {
        var name = "MARTLET_"
        var wasUppercase = false
        for character in key {
            if character == "." {
                name.append("_")
            } else {
                // `tlsClientCA` has three words.
                if character.isUppercase, !wasUppercase { name.append("_") }
                name.append(contentsOf: character.uppercased())
            }
            wasUppercase = character.isUppercase
        }
        return name
    }
}

/// Where a value came from, strongest first.
package enum SettingSource: Sendable, Hashable, CustomStringConvertible {
    case flag
    case environment(String)
    case file(String)
    case fallback

    package var description: String {
        switch self {
        case .flag: "flag"
        case .environment(let name): "environment \(name)"
        case .file(let path): "file \(path)"
        case .fallback: "default"
        }
    }
}

/// A setting with the text that holds and where it came from.
package struct ResolvedSetting: Sendable {
    package let setting: Setting
    /// One text, or several for a list.
    package let texts: [String]
    package let source: SettingSource

    package init(setting: Setting, texts: [String], source: SettingSource) {
        self.setting = setting
        self.texts = texts
        self.source = source
    }

    package var text: String { texts.joined(separator: ",") }
}
