import Configuration
import Foundation
import MartletCore
import Synchronization

/// Reads settings from their sources: a flag wins over the environment, the environment over the file, the file over
/// the default.
package struct SettingsReader {
    private let known: [Setting]
    private let sources: [(provider: any ConfigProvider, source: @Sendable (Setting) -> SettingSource)]
    /// Names that no setting has, such as `MARTLET_TREADS`; worth a warning.
    package let unknownVariables: [String]

    /// - Parameters:
    ///   - flags: texts given on the command line, by key.
    ///   - environment: the process's variables; those that begin with `MARTLET_` count.
    ///   - file: path of a YAML or JSON file, nil for none.
    ///   - otherVariables: names beginning with `MARTLET_` that are not settings and not mistakes either.
    /// - Throws: `.configuration` when the file cannot be read or has a key that no setting has.
    package init(
        known: [Setting], flags: [String: [String]], environment: [String: String], file: String?,
        otherVariables: Set<String> = []
    ) async throws(CommandFailure) {
        self.known = known
        var values: [AbsoluteConfigKey: ConfigValue] = [:]
        for (key, texts) in flags {
            let isList = known.contains { $0.key == key && $0.kind == .list }
            values[AbsoluteConfigKey(key.split(separator: ".").map(String.init))] = ConfigValue(
                isList ? .stringArray(texts) : .string(texts.last ?? ""), isSecret: false)
        }
        var sources: [(provider: any ConfigProvider, source: @Sendable (Setting) -> SettingSource)] = [
            (InMemoryProvider(name: "flags", values: values), { _ in .flag }),
            (
                EnvironmentVariablesProvider(environmentVariables: environment).prefixKeys(with: "martlet"),
                { .environment($0.environmentName) }
            ),
        ]
        if let file {
            sources.append((try await Self.fileProvider(file, known: known), { _ in .file(file) }))
        }
        self.sources = sources
        let names = Set(known.map(\.environmentName)).union(otherVariables)
        unknownVariables = environment.keys.filter { $0.hasPrefix("MARTLET_") && !names.contains($0) }.sorted()
    }

    /// Every known setting with its value and source, in the order of `known`.
    package func resolve() throws(CommandFailure) -> [ResolvedSetting] {
        var resolved: [ResolvedSetting] = []
        for setting in known { resolved.append(try resolve(setting)) }
        return resolved
    }

    private func resolve(_ setting: Setting) throws(CommandFailure) -> ResolvedSetting {
        for (provider, source) in sources {
            guard let texts = Self.texts(of: setting, in: provider) else { continue }
            let origin = source(setting)
            if setting.kind != .list, texts.count != 1 {
                throw CommandFailure(
                    .configuration, "\(setting.key) (\(origin)) is a list and must be \(setting.kind.wanted)")
            }
            for text in texts where !SettingValue.isValid(text, as: setting.kind) {
                throw CommandFailure(
                    .configuration, "\(setting.key) (\(origin)) is '\(text)' and must be \(setting.kind.wanted)")
            }
            return ResolvedSetting(setting: setting, texts: texts, source: origin)
        }
        let fallback =
            setting.kind == .list ? setting.fallback.split(separator: ",").map(String.init) : [setting.fallback]
        return ResolvedSetting(setting: setting, texts: fallback, source: .fallback)
    }

    /// The texts a provider has for a setting, nil for none. A JSON number is not a string for its provider, so every
    /// scalar type is asked for; a single value stands for a list of one.
    private static func texts(of setting: Setting, in provider: any ConfigProvider) -> [String]? {
        let key = AbsoluteConfigKey(setting.components)
        let types: [ConfigType] =
            setting.kind == .list ? [.stringArray, .string] : [.string, .int, .double, .bool, .stringArray]
        for type in types {
            guard let value = try? provider.value(forKey: key, type: type).value else { continue }
            switch value.content {
            case .string(let text): return [text]
            case .int(let number): return [String(number)]
            case .double(let number): return [String(number)]
            case .bool(let flag): return [String(flag)]
            case .stringArray(let texts):
                return texts.map { $0.trimmingCharacters(in: .whitespaces) }.filter { !$0.isEmpty }
            default: continue
            }
        }
        return nil
    }

    private static func fileProvider(
        _ path: String, known: [Setting]
    ) async throws(CommandFailure) -> any ConfigProvider {
        // The provider would tell why it cannot be read in its own types' words.
        _ = try SettingsFile.read(path, name: "the configuration file", upTo: 1)
        // The parser asks for each key whether it is a secret: the one moment at which it tells the keys a file has.
        let seen = SeenKeys()
        let provider: any ConfigProvider
        do {
            if path.lowercased().hasSuffix(".json") {
                provider = try await FileProvider<JSONSnapshot>(
                    parsingOptions: .init(secretsSpecifier: .dynamic { key, _ in seen.insert(key) }),
                    filePath: .init(path))
            } else {
                provider = try await FileProvider<YAMLSnapshot>(
                    parsingOptions: .init(secretsSpecifier: .dynamic { key, _ in seen.insert(key) }),
                    filePath: .init(path))
            }
        } catch {
            throw CommandFailure(.configuration, "the configuration file '\(path)' cannot be read: \(error)")
        }
        let keys = Set(known.map(\.key))
        if let stranger = seen.keys.first(where: { !keys.contains($0) }) {
            let hint = NearName.hint(for: stranger, among: keys)
            throw CommandFailure(.configuration, "'\(path)' sets '\(stranger)', which is no setting\(hint)")
        }
        return provider
    }

    private final class SeenKeys: Sendable {
        private let stored = Mutex<[String]>([])
        var keys: [String] { stored.withLock { $0.sorted() } }
        func insert(_ key: String) -> Bool {
            stored.withLock { $0.append(key) }
            return false
        }
    }
}
