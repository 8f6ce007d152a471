import MartletCore

/// What a setting's text may say.
package enum SettingKind: Sendable, Hashable {
    case text
    /// Separated by commas in the environment, a list in a file, a repeated flag on the command line.
    case list
    case flag
    case count
    /// `4194304`, `4MiB`, `4 MB`.
    case bytes
    /// `30s`, `250ms`, `5min`, `1h`; a bare number is seconds.
    case duration
    case choice([String])

    /// Said after "must be" in messages.
    package var wanted: String {
        switch self {
        case .text: "text"
        case .list: "a list"
        case .flag: "true or false"
        case .count: "a whole number of at least 0"
        case .bytes: "a size such as 1048576, 512KiB or 4MB"
        case .duration: "a time such as 30s, 250ms or 5min"
        case .choice(let values): "one of " + values.joined(separator: ", ")
        }
    }
}

/// A setting's text, read. Pure: the same text gives the same value everywhere it may stand.
package enum SettingValue {
    package static func flag(_ text: String) -> Bool? {
        switch text.lowercased() {
        case "true", "yes", "on", "1": true
        case "false", "no", "off", "0": false
        default: nil
        }
    }

    /// Digits with `_` between them allowed, as in `262_144`.
    package static func count(_ text: String) -> Int? {
        let digits = text.replacing("_", with: "")
        guard !digits.isEmpty, digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
        return Int(digits)
    }

    package static func bytes(_ text: String) -> Int? {
        let units = [
            "": 1, "B": 1, "kB": 1_000, "KB": 1_000, "MB": 1_000_000, "GB": 1_000_000_000, "KiB": 1 << 10,
            "kiB": 1 << 10,
            "MiB": 1 << 20, "GiB": 1 << 30,
        ]
        guard let (number, unit) = split(text), let whole = count(number), let factor = units[unit] else { return nil }
        let (product, overflow) = whole.multipliedReportingOverflow(by: factor)
        return overflow ? nil : product
    }

    package static func duration(_ text: String) -> Duration? {
        guard let (number, unit) = split(text), let value = Double(number), value.isFinite, value >= 0, value < 1e9
        else {
            return nil
        }
        switch unit {
        case "us", "µs": return .microseconds(value)
        case "ms": return .milliseconds(value)
        case "", "s": return .seconds(value)
        case "min", "m": return .seconds(value * 60)
        case "h": return .seconds(value * 3_600)
        default: return nil
        }
    }

    /// What `duration` reads, as it is written in a file.
    package static func text(_ duration: Duration) -> String {
        let seconds = duration / .seconds(1)
        return seconds == seconds.rounded() ? "\(Int(seconds))s" : "\(Quantity.fixed(seconds * 1_000, 0))ms"
    }

    /// A number and the unit after it.
    private static func split(_ text: String) -> (number: String, unit: String)? {
        let number = text.prefix { $0.isNumber && $0.isASCII || $0 == "." || $0 == "_" }
        guard !number.isEmpty else { return nil }
        let unit = text.dropFirst(number.count).drop { $0 == " " }
        return (String(number), String(unit))
    }

    /// Whether `text` can be read as `kind`.
    package static func isValid(_ text: String, as kind: SettingKind) -> Bool {
        switch kind {
        case .text, .list: true
        case .flag: flag(text) != nil
        case .count: count(text) != nil
        case .bytes: bytes(text) != nil
        case .duration: duration(text) != nil
        case .choice(let values): values.contains(text)
        }
    }
}
