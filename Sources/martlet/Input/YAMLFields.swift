import MartletCore
import Yams

/// One mapping of a small YAML or JSON file (JSON is YAML), read field by field with messages that name file and field.
struct YAMLFields {
    /// Files that people write by hand are far below it.
    static let fileBytesMax = 64 << 10
    /// Brackets, and marks of nested lists in one line, above which a file is refused: its reader recurses.
    private static let nestingMax = 256

    private let file: String
    /// Where the mapping stands, such as `rules.` or `steps[1].`; empty for the file itself.
    private let prefix: String
    private let members: [String: Node]

    /// - Throws: `.data` for a file that is no mapping, or that has another key than `keys`.
    static func parse(_ text: String, file: String, keys: [String]) throws(CommandFailure) -> YAMLFields {
        guard text.utf8.count <= fileBytesMax else {
            throw CommandFailure(.data, "'\(file)' is over \(Quantity.bytes(fileBytesMax)): it is no rollout")
        }
        guard !nestsDeeply(text) else {
            throw CommandFailure(.data, "'\(file)' nests deeper than a rollout does")
        }
        let root: Node?
        do {
            root = try Yams.compose(yaml: text)
        } catch {
            let reason = "\(error)".split(separator: "\n").first.map(String.init) ?? "unknown"
            throw CommandFailure(.data, "'\(file)' is not YAML or JSON: \(reason)")
        }
        guard let root else { throw CommandFailure(.data, "'\(file)' is empty") }
        return try YAMLFields(root, file: file, prefix: "", keys: keys)
    }

    private init(_ node: Node, file: String, prefix: String, keys: [String]) throws(CommandFailure) {
        self.file = file
        self.prefix = prefix
        let place = prefix.isEmpty ? "'\(file)'" : "'\(file)': \(prefix.dropLast())"
        guard case .mapping(let mapping) = node else {
            throw CommandFailure(.data, "\(place) must be keys with values, such as \(keys.first ?? "key"): …")
        }
        var members: [String: Node] = [:]
        for (key, value) in mapping {
            guard case .scalar(let name) = key, keys.contains(name.string) else {
                let name = key.scalar?.string ?? "a list"
                throw CommandFailure(
                    .data,
                    "'\(file)': \(prefix)\(Excerpt.oneLine(name)) is no key of a rollout"
                        + NearName.hint(for: name, among: keys))
            }
            members[name.string] = value
        }
        self.members = members
    }

    /// The text of a value; nil when the key is not there or its value is empty.
    func text(_ key: String) throws(CommandFailure) -> String? {
        guard let node = members[key] else { return nil }
        guard case .scalar(let scalar) = node else { throw wrong(key, "a list or keys", "one value") }
        return scalar.string.isEmpty || scalar.string == "~" || scalar.string == "null" ? nil : scalar.string
    }

    /// A value that `read` understands; nil when the key is not there.
    /// - Parameter wanted: said after "must be".
    func value<Value>(_ key: String, _ wanted: String, _ read: (String) -> Value?) throws(CommandFailure) -> Value? {
        guard let text = try text(key) else { return nil }
        guard let value = read(text) else { throw wrong(key, text, wanted) }
        return value
    }

    func fields(_ key: String, keys: [String]) throws(CommandFailure) -> YAMLFields? {
        guard let node = members[key] else { return nil }
        return try YAMLFields(node, file: file, prefix: "\(prefix)\(key).", keys: keys)
    }

    /// The mappings of a list; nil when the key is not there.
    func list(_ key: String, keys: [String]) throws(CommandFailure) -> [YAMLFields]? {
        guard let node = members[key] else { return nil }
        guard case .sequence(let sequence) = node else { throw wrong(key, "no list", "a list") }
        var elements: [YAMLFields] = []
        for (index, element) in sequence.enumerated() {
            elements.append(try YAMLFields(element, file: file, prefix: "\(prefix)\(key)[\(index)].", keys: keys))
        }
        return elements
    }

    func missing(_ key: String) -> CommandFailure {
        CommandFailure(.data, "'\(file)': \(prefix)\(key) is missing")
    }

    func wrong(_ key: String, _ text: String, _ wanted: String) -> CommandFailure {
        CommandFailure(.data, "'\(file)': \(prefix)\(key) is '\(Excerpt.oneLine(text))' and must be \(wanted)")
    }

    private static func nestsDeeply(_ text: String) -> Bool {
        if text.utf8.count(where: { $0 == UInt8(ascii: "[") || $0 == UInt8(ascii: "{") }) > nestingMax { return true }
        return text.split(whereSeparator: \.isNewline).contains { line in
            line.utf8.count { $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: "?") } > nestingMax
        }
    }
}
