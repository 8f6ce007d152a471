import MartletCore
import MartletRollout
import MartletTestSupport
import Synchronization
import Testing

/// Plays a script of commands against a real manager and writes down what happens, so that a rollout reads as a text.
///
/// Lines that begin with `> ` are commands; the lines after one are what it led to: events in order, then
/// `name → version` of every model whose route changed.
final class RolloutTranscript {
    private let clock = ManualClock()
    private let loader = ScriptedLoader()
    private let log = EventLog()
    private let manager: RolloutManager<ScriptedLoader>
    private var leases: [String: Lease<FakeVersion>] = [:]
    private var routes: [String: Int] = [:]
    /// What the source wants, for commands that ask it.
    private var aspired: [AspiredVersion] = []

    init(
        policy: some RolloutPolicy = AvailabilityFirst(), labels: [String: [String: Int]] = [:], loadsAtOnceMax: Int = 1
    ) {
        let (log, ledger) = (self.log, loader.ledger)
        manager = RolloutManager(
            policy: policy, loader: loader, clock: clock, drainTimeout: .seconds(30), labels: labels,
            loadsAtOnceMax: loadsAtOnceMax
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
        case "unload": try await manager.unload(model: words[0])
        case "load":
            let statuses = try await manager.load(model: words[0]) { [aspired] in aspired }
            return ["loaded " + statuses.map { "\($0.version) \($0.state.rawValue)" }.joined(separator: ", ")]
        case "fail": loader.fail(id(words[0]), words.dropFirst().joined(separator: " "))
        case "heal": loader.fail(id(words[0]), nil)
        case "hold": loader.hold(id(words[0]))
        case "release": loader.release(id(words[0]))
        case "retry": await manager.retry(id(words[0]))
        case "label": try await manager.setLabel(words[0], of: words[1], to: words.count > 2 ? Int(words[2]) : nil)
        case "lease":
            guard let reference = ModelReference(parsing: words[0]) else { return ["not a reference"] }
            let lease = try manager.lease(reference)
            if words.count > 1 { leases[words[1]] = lease }
            let label = lease.identity.label.isEmpty ? "" : " by \(lease.identity.label)"
            return ["leased \(lease.identity.id)\(label), \(lease.identity.digest)"]
        case "end": leases[words[0]] = nil
        case "lease?":
            guard let lease = leases[words[0]] else { return ["ended"] }
            let revoked = lease.isRevoked ? ", revoked" : ""
            return ["\(lease.loaded.id) \(lease.loaded.isAlive ? "alive" : "freed")\(revoked)"]
        case "wait": clock.advance(by: .seconds(Int(words[0]) ?? 0))
        case "status":
            return manager.statuses().map { status in
                let labels = status.versionLabels.isEmpty ? "" : " [\(status.versionLabels.joined(separator: " "))]"
                let reason = status.reason.isEmpty ? "" : ": \(status.reason)"
                let version = "\(status.name)/\(status.version) \(status.state.rawValue)"
                return "\(version)\(labels)\(reason) leases=\(status.leases)"
            }
        case "shutdown": await manager.shutdown()
        default: return ["unknown command"]
        }
        return []
    }

    /// Waits until nothing more happens by itself.
    private func quiesce() async {
        if !loader.isHolding { await manager.settled() }
        while !isQuiet { await Task.yield() }
    }

    private var isQuiet: Bool {
        let statuses = manager.statuses()
        let loading = statuses.filter { [.verifying, .loading, .warming].contains($0.state) }
        let draining = statuses.filter { $0.state == .draining }
        let atGate = loader.atGate
        return loading.allSatisfy { $0.state == .warming && atGate.contains(.init(model: $0.name, number: $0.version)) }
            && draining.allSatisfy { $0.leases > 0 } && clock.sleepers == draining.filter(\.reason.isEmpty).count
    }

    private func changedRoutes() -> [String] {
        var now: [String: Int] = [:]
        for status in manager.statuses() where status.versionLabels.contains("latest") {
            now[status.name] = status.version
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

    private func id(_ word: String) -> VersionID {
        let parts = word.split(separator: "#")[0].split(separator: "/")
        return VersionID(model: String(parts[0]), number: Int(parts[1]) ?? 0)
    }
}

/// Plays a script and expects to read the same.
func check(
    _ script: String, _ transcript: RolloutTranscript = RolloutTranscript(),
    sourceLocation: SourceLocation = #_sourceLocation
) async {
    let played = await transcript.play(script)
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
