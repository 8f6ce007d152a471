import MartletCore
import Yams

/// One mapping of a small YAML or JSON file (JSON is YAML), read field by field with messages that name file and field.
struct YAMLFields {
    /// What a file is: for messages, and how large it may be.
    struct Form {
        /// Such as `rollout`.
        var name: String
        var status: ExitStatus
        var bytesMax: Int
        /// Brackets above which it is refused: its reader recurses, and whether one closes again only it can tell.
        var bracketsMax = nestingMax

        static let rollout = Form(name: "rollout", status: .data, bytesMax: fileBytesMax)
    }

    /// Files that people write by hand are far below it.
    static let fileBytesMax = 64 << 10
    /// Brackets, and marks of nested lists in one line, above which a file is refused: its reader recurses.
    private static let nestingMax = 256

    private let file: String
    private let form: Form
    /// Where the mapping stands, such as `rules.` or `steps[1].`; empty for the file itself.
    private let prefix: String
    private let members: [String: Node]

    /// - Throws: the form's status for a file that is no mapping, or that has another key than `keys`.
    static func parse(
        _ text: String, file: String, form: Form = .rollout, keys: [String]
    ) throws(CommandFailure) -> YAMLFields {
        guard text.utf8.count <= form.bytesMax else {
            throw CommandFailure(
                form.status, "'\(file)' is over \(Quantity.bytes(form.bytesMax)): it is no \(form.name)")
        }
        guard !nestsDeeply(text, bracketsMax: form.bracketsMax) else {
            throw CommandFailure(form.status, "'\(file)' nests deeper than a \(form.name) does")
        }
        let root: Node?
        do {
            root = try Yams.compose(yaml: text)
        } catch {
            let reason = "\(error)".split(separator: "\n").first.map(String.init) ?? "unknown"
            throw CommandFailure(form.status, "'\(file)' is not YAML or JSON: \(reason)")
        }
        guard let root else { throw CommandFailure(form.status, "'\(file)' is empty") }
        return try YAMLFields(root, file: file, form: form, prefix: "", keys: keys)
    }

    /// - Parameter keys: nil where the owner chooses the names.
    private init(
        _ node: Node, file: String, form: Form, prefix: String, keys: [String]?
    ) throws(CommandFailure) {
        self.file = file
        self.form = form
        self.prefix = prefix
        let place = prefix.isEmpty ? "'\(file)'" : "'\(file)': \(prefix.dropLast())"
        guard case .mapping(let mapping) = node else {
            throw CommandFailure(
                form.status, "\(place) must be keys with values, such as \(keys?.first ?? "name"): …")
        }
        var members: [String: Node] = [:]
        for (key, value) in mapping {
            guard case .scalar(let name) = key, keys?.contains(name.string) ?? true else {
                let name = key.scalar?.string ?? "a list"
                throw CommandFailure(
                    form.status,
                    "'\(file)': \(prefix)\(Excerpt.oneLine(name)) is no key of a \(form.name)"
                        + NearName.hint(for: name, among: keys ?? []))
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

    /// Every key that is there, sorted.
    var names: [String] { members.keys.sorted() }

    /// - Parameter keys: nil where the owner chooses the names.
    func fields(_ key: String, keys: [String]?) throws(CommandFailure) -> YAMLFields? {
        guard let node = members[key] else { return nil }
        return try YAMLFields(node, file: file, form: form, prefix: "\(prefix)\(key).", keys: keys)
    }

    /// The texts of a list of single values; nil when the key is not there or holds no list.
    func texts(_ key: String, _ wanted: String) throws(CommandFailure) -> [String]? {
        guard let node = members[key], case .sequence(let sequence) = node else { return nil }
        var texts: [String] = []
        for element in sequence {
            guard case .scalar(let scalar) = element else { throw wrong(key, "a list of lists", wanted) }
            texts.append(scalar.string)
        }
        return texts
    }

    /// The mappings of a list; nil when the key is not there.
    func list(_ key: String, keys: [String]) throws(CommandFailure) -> [YAMLFields]? {
        guard let node = members[key] else { return nil }
        guard case .sequence(let sequence) = node else { throw wrong(key, "no list", "a list") }
        var elements: [YAMLFields] = []
        for (index, element) in sequence.enumerated() {
            let prefix = "\(prefix)\(key)[\(index)]."
            elements.append(try YAMLFields(element, file: file, form: form, prefix: prefix, keys: keys))
        }
        return elements
    }

    func missing(_ key: String) -> CommandFailure {
        CommandFailure(form.status, "'\(file)': \(prefix)\(key) is missing")
    }

    func wrong(_ key: String, _ text: String, _ wanted: String) -> CommandFailure {
        CommandFailure(form.status, "'\(file)': \(prefix)\(key) is '\(Excerpt.oneLine(text))' and must be \(wanted)")
    }

    private static func nestsDeeply(_ text: String, bracketsMax: Int) -> Bool {
        if text.utf8.count(where: { $0 == UInt8(ascii: "[") || $0 == UInt8(ascii: "{") }) > bracketsMax { return true }
        return text.split(whereSeparator: \.isNewline).contains { line in
            line.utf8.count { $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: "?") } > nestingMax
        }
    }
}
