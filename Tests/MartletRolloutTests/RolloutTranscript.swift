import MartletCore
import MartletRollout
import MartletTestSupport
import Synchronization
import Testing

/// Plays a script of commands against a real manager and writes down what happens, so that a rollout reads as a text.
///
/// Lines that begin with `> ` are commands; the lines after one are what it led to: its own answer, events in order,
/// then `name → version` of every model whose calls by name alone go elsewhere.
final class RolloutTranscript {
    var clock = ManualClock()
    let loader = ScriptedLoader()
    let store = MemoryStore()
    private let log = EventLog()
    var manager: RolloutManager<ScriptedLoader>
    private var configuration: RolloutConfiguration
    private var leases: [String: Lease<FakeVersion>] = [:]
    private var routes: [String: Int] = [:]
    /// What the source wants, for commands that ask it.
    var aspired: [AspiredVersion] = []

    init(_ configuration: RolloutConfiguration = RolloutConfiguration()) throws {
        self.configuration = configuration
        manager = try Self.manager(configuration, loader, store, clock, log)
    }

    private static func manager(
        _ configuration: RolloutConfiguration, _ loader: ScriptedLoader, _ store: MemoryStore, _ clock: ManualClock,
        _ log: EventLog
    ) throws(MartletError) -> RolloutManager<ScriptedLoader> {
        let ledger = loader.ledger
        return try RolloutManager(
            configuration: configuration, loader: loader, store: store, clock: clock, drainTimeout: .seconds(30)
        ) { event in
            log.write(event.description)
            if case .unloaded = event.kind { log.write("  objects in memory: \(ledger.living)") }
        }
    }

    /// The script with its results as they are now.
    func play(_ script: String) async -> String {
        var lines: [String] = []
        for line in script.split(separator: "\n") where line.hasPrefix("> ") {
            lines.append(String(line))
            let words = line.dropFirst(2).split(separator: " ").map(String.init)
            do throws(MartletError) {
                lines += try await run(words[0], Array(words.dropFirst()))
            } catch {
                lines.append("\(error)")
            }
            await quiesce()
            lines += log.take() + changedRoutes()
        }
        return lines.joined(separator: "\n")
    }

    private func run(_ command: String, _ words: [String]) async throws(MartletError) -> [String] {
        switch command {
        case "aspire":
            aspired = words.compactMap(version)
            await manager.aspire(to: aspired)
        case "publish": aspired = words.compactMap(version)
        case "unload":
            if words[0].contains("/") {
                try await manager.unload(version: id(words[0]))
            } else {
                try await manager.unload(model: words[0])
            }
        case "load":
            let source = { @Sendable [aspired] () throws(MartletError) in aspired }
            if words[0].contains("/") {
                let status = try await manager.load(version: id(words[0]), asking: source)
                return ["loaded \(status.version) \(status.state.rawValue)"]
            }
            let statuses = try await manager.load(model: words[0], asking: source)
            return ["loaded " + statuses.map { "\($0.version) \($0.state.rawValue)" }.joined(separator: ", ")]
        case "fail": loader.fail(id(words[0]), words.dropFirst().joined(separator: " "))
        case "heal": loader.fail(id(words[0]), nil)
        case "size": loader.size(id(words[0]), Int(words[1]) ?? 0)
        case "hold": loader.hold(id(words[0]))
        case "release": loader.release(id(words[0]))
        case "clear": try await manager.clearQuarantine(id(words[0]))
        case "label": try await manager.setLabel(words[0], of: words[1], to: words.count > 2 ? Int(words[2]) : nil)
        case "lease", "wake":
            guard let reference = ModelReference(parsing: words[0]) else { return ["not a reference"] }
            let routed =
                command == "lease" ? try manager.lease(reference) : try await manager.leaseWaking(reference)
            let lease = routed.lease
            if words.count > 1 { leases[words[1]] = lease }
            let label = lease.identity.label.isEmpty ? "" : " by \(lease.identity.label)"
            let shadow = routed.shadow.map { ", copied to \($0.lease.identity.version)" } ?? ""
            return ["leased \(lease.identity.id)\(label), \(lease.identity.digest)\(shadow)"]
        case "end": leases[words[0]] = nil
        case "lease?":
            guard let lease = leases[words[0]] else { return ["ended"] }
            let revoked = lease.isRevoked ? ", revoked" : ""
            return ["\(lease.loaded.id) \(lease.loaded.isAlive ? "alive" : "freed")\(revoked)"]
        case "wait":
            // Second by second, so that what is due once a second happens as often.
            for _ in 0..<(Int(words[0]) ?? 0) {
                clock.advance(by: .seconds(1))
                await quiesce()
            }
        case "status": return manager.statuses().map(Self.line)
        case "disk": store.fail(words == ["ok"] ? nil : words.joined(separator: " "))
        case "restart":
            leases = [:]
            // Not shut down: as after a kill.
            clock = ManualClock()
            manager = try Self.manager(configuration, loader, store, clock, log)
        case "budget":
            configuration.memoryBytesMax = Int(words[0])
            await manager.configure(configuration)
        case "shutdown": await manager.shutdown()
        default: return try await runRollout(command, words)
        }
        return []
    }

    private static func line(_ status: ModelStatus) -> String {
        let labels = status.versionLabels.isEmpty ? "" : " [\(status.versionLabels.joined(separator: " "))]"
        let reason = status.reason.isEmpty ? "" : ": \(status.reason)"
        let version = "\(status.name)/\(status.version) \(status.state.rawValue)"
        return "\(version)\(labels)\(status.isQuarantined ? " quarantined" : "")\(reason) leases=\(status.leases)"
    }

    /// Waits until nothing more happens by itself.
    private func quiesce() async {
        if !loader.isHolding { await manager.settled() }
        while true {
            if isQuiet, await manager.timerCount == clock.sleepers { return }
            await Task.yield()
        }
    }

    private var isQuiet: Bool {
        let statuses = manager.statuses()
        let loading = statuses.filter { [.verifying, .loading, .warming].contains($0.state) }
        let draining = statuses.filter { $0.state == .draining }
        let atGate = loader.atGate
        return loading.allSatisfy { $0.state == .warming && atGate.contains(.init(model: $0.name, number: $0.version)) }
            && draining.allSatisfy { $0.leases > 0 }
    }

    private func changedRoutes() -> [String] {
        var now: [String: Int] = [:]
        for status in manager.statuses() where status.versionLabels.contains("latest") {
            // The oldest, where versions share the calls.
            if now[status.name] == nil { now[status.name] = status.version }
        }
        defer { routes = now }
        return Set(now.keys).union(routes.keys).sorted().compactMap { name in
            now[name] == routes[name] ? nil : "\(name) → \(now[name].map(String.init) ?? "nothing")"
        }
    }

    /// `name/number`, or with a fingerprint `name/number#print`.
    private func version(_ word: String) -> AspiredVersion? {
        let parts = word.split(separator: "#").map(String.init)
        return AspiredVersion(id: id(parts[0]), location: parts[0], fingerprint: parts.count > 1 ? parts[1] : "a")
    }

    func id(_ word: String) -> VersionID {
        let parts = word.split(separator: "#")[0].split(separator: "/")
        return VersionID(model: String(parts[0]), number: Int(parts[1]) ?? 0)
    }
}

/// Plays a script and expects to read the same.
func check(
    _ script: String, _ configuration: RolloutConfiguration = RolloutConfiguration(),
    sourceLocation: SourceLocation = #_sourceLocation
) async throws {
    let played = await (try RolloutTranscript(configuration)).play(script)
    #expect(played == script, "\n\(played)\n", sourceLocation: sourceLocation)
}

final class EventLog: Sendable {
    private let lines = Mutex<[String]>([])

    func write(_ line: String) { lines.withLock { $0.append(line) } }
    var isEmpty: Bool { lines.withLock { $0.isEmpty } }

    func take() -> [String] {
        lines.withLock { lines in
            defer { lines = [] }
            return lines
        }
    }
}
