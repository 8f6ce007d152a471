import Foundation
import MartletCore
import MartletRollout
import Yams

/// The file of `modelsConfig`: what is wanted of all models and of each, in YAML or JSON.
///
///     memory: 8GiB
///     defaults:
///       versions: latest 1
///     models:
///       guard:
///         versions: [3, 4]
///         order: memory
///         idleUnload: 30min
///         pin: true
///         labels: { stable: 3 }
package struct ModelsFile {
    /// A thousand models take about 200 KiB.
    static let bytesMax = 4 << 20

    /// As in messages.
    private let path: String

    /// - Parameter memoryBytesMax: holds where the file says nothing about memory; nil for no limit.
    /// - Throws: `.configuration` naming file, line, field and what it must be.
    package static func read(
        _ path: String, memoryBytesMax: Int? = nil
    ) throws(CommandFailure) -> RolloutConfiguration {
        let file = ModelsFile(path: path)
        let text: String
        do {
            let handle = try FileHandle(forReadingFrom: URL(fileURLWithPath: path))
            defer { try? handle.close() }
            let data = try handle.read(upToCount: bytesMax + 1) ?? Data()
            guard data.count <= bytesMax else {
                throw CommandFailure(.configuration, "\(file.name) has more than \(bytesMax) bytes")
            }
            guard let read = String(validating: data, as: UTF8.self) else {
                throw CommandFailure(.configuration, "\(file.name) is not UTF-8")
            }
            text = read
        } catch let failure as CommandFailure {
            throw failure
        } catch {
            throw CommandFailure(.configuration, "\(file.name) cannot be read: \(Self.reason(error))")
        }
        return try file.parse(text, memoryBytesMax: memoryBytesMax)
    }

    private static func reason(_ error: any Error) -> String {
        let underlying = (error as NSError).userInfo[NSUnderlyingErrorKey] as? NSError ?? error as NSError
        return underlying.domain == NSPOSIXErrorDomain ? String(cString: strerror(Int32(underlying.code))) : "\(error)"
    }

    private var name: String { "modelsConfig '\(path)'" }

    private func parse(_ text: String, memoryBytesMax: Int?) throws(CommandFailure) -> RolloutConfiguration {
        let root: Node?
        do {
            root = try Yams.compose(yaml: text)
        } catch {
            throw CommandFailure(.configuration, "\(name) is no YAML: \(error)")
        }
        var configuration = RolloutConfiguration(memoryBytesMax: memoryBytesMax)
        // An empty file wants what no file wants.
        guard let root, root.null == nil else { return configuration }
        let fields = try entries(of: root, at: "", known: ["memory", "defaults", "models"])
        if let node = fields["memory"] {
            guard let bytes = node.scalar.flatMap({ SettingValue.bytes($0.string) }) else {
                throw wrong(node, "memory", SettingKind.bytes.wanted + ", or 0 for no limit")
            }
            configuration.memoryBytesMax = bytes == 0 ? nil : bytes
        }
        if let node = fields["defaults"] {
            let fields = try entries(of: node, at: "defaults", known: Self.policyFields)
            configuration.defaults = try policy(fields, at: "defaults", over: ModelPolicy())
        }
        var models: [String: Node] = [:]
        if let node = fields["models"] { models = try entries(of: node, at: "models", known: nil) }
        for (model, node) in models.sorted(by: { $0.key < $1.key }) {
            let path = "models.\(model)"
            guard VersionID.isValidModelName(model) else {
                throw fail(node, path, "is no model name: 1 to 128 of A-Z a-z 0-9 . _ -")
            }
            let fields = try entries(of: node, at: path, known: Self.policyFields + ["labels"])
            configuration.models[model] = try policy(fields, at: path, over: configuration.defaults)
            if let labels = fields["labels"] {
                configuration.labels[model] = try self.labels(labels, at: "\(path).labels")
            }
        }
        return configuration
    }

    // MARK: Parts

    private static let policyFields = ["versions", "order", "idleUnload", "pin"]

    private func policy(
        _ fields: [String: Node], at path: String, over defaults: ModelPolicy
    ) throws(CommandFailure) -> ModelPolicy {
        var policy = defaults
        if let node = fields["versions"] { policy.selection = try selection(node, at: "\(path).versions") }
        if let node = fields["order"] {
            switch node.scalar?.string {
            case "availability": policy.order = .availabilityFirst
            case "memory": policy.order = .memoryFirst
            default: throw wrong(node, "\(path).order", "availability or memory")
            }
        }
        if let node = fields["idleUnload"] {
            let text = node.scalar?.string ?? ""
            let time = SettingValue.duration(text)
            guard text == "never" || (time.map { $0 > .zero } ?? false) else {
                throw wrong(node, "\(path).idleUnload", "a time above zero such as 30min, or never")
            }
            policy.idleUnload = text == "never" ? nil : time
        }
        if let node = fields["pin"] {
            guard let isPinned = node.scalar.flatMap({ SettingValue.flag($0.string) }) else {
                throw wrong(node, "\(path).pin", SettingKind.flag.wanted)
            }
            policy.isPinned = isPinned
        }
        return policy
    }

    private func selection(_ node: Node, at path: String) throws(CommandFailure) -> VersionSelection {
        let wanted = "latest, latest N, all, routed, or a list of versions such as [1, 3]"
        if let list = node.sequence {
            var numbers: Set<Int> = []
            for item in list {
                guard let number = version(item) else { throw wrong(item, path, wanted) }
                numbers.insert(number)
            }
            guard !numbers.isEmpty else { throw wrong(node, path, wanted) }
            return .specific(numbers)
        }
        let words = (node.scalar?.string ?? "").split(separator: " ").map(String.init)
        switch (words.first, words.count) {
        case ("all", 1): return .all
        // Only what a route or a label leads to.
        case ("routed", 1): return .specific([])
        case ("latest", 1): return .latest(1)
        case ("latest", 2):
            guard let count = SettingValue.count(words[1]), count >= 1 else { throw wrong(node, path, wanted) }
            return .latest(count)
        default: throw wrong(node, path, wanted)
        }
    }

    private func labels(_ node: Node, at path: String) throws(CommandFailure) -> [String: Int] {
        var labels: [String: Int] = [:]
        for (label, node) in try entries(of: node, at: path, known: nil) {
            guard VersionID.isValidModelName(label), label != "latest" else {
                throw fail(node, "\(path).\(label)", "is no label: 1 to 128 of A-Z a-z 0-9 . _ -, and not latest")
            }
            guard let number = version(node) else {
                throw wrong(node, "\(path).\(label)", "a version's number, at least 1")
            }
            labels[label] = number
        }
        return labels
    }

    private func version(_ node: Node) -> Int? {
        guard let text = node.scalar?.string, let number = SettingValue.count(text), number >= 1 else { return nil }
        return number
    }

    // MARK: Mappings and messages

    /// - Parameter known: nil for names that the owner chooses.
    private func entries(
        of node: Node, at path: String, known: [String]?
    ) throws(CommandFailure) -> [String: Node] {
        guard let mapping = node.mapping else {
            let whole = path.isEmpty ? "the file" : path
            guard node.null != nil else { throw fail(node, whole, "must be a mapping of names to values") }
            return [:]
        }
        var entries: [String: Node] = [:]
        for (key, value) in mapping {
            let name = key.scalar?.string ?? ""
            if let known, !known.contains(name) {
                let field = path.isEmpty ? name : "\(path).\(name)"
                throw fail(key, field, "is no setting" + Suggestion.hint(for: name, among: known))
            }
            entries[name] = value
        }
        return entries
    }

    private func wrong(_ node: Node, _ field: String, _ wanted: String) -> CommandFailure {
        let what = node.scalar.map { "is '\($0.string.prefix(64))' and" } ?? "has another form and"
        return fail(node, field, "\(what) must be \(wanted)")
    }

    private func fail(_ node: Node, _ field: String, _ problem: String) -> CommandFailure {
        let line = node.mark.map { ", line \($0.line)" } ?? ""
        return CommandFailure(.configuration, "\(name)\(line): \(field) \(problem)")
    }
}
