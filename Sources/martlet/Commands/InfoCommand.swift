import ArgumentParser
import Foundation
import MartletEncoder
import MartletScheduling

struct InfoCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "info",
        abstract: "Show which kernels and how many threads a server would use on this machine, and why.",
        discussion: """
            The kernels exist once for each instruction set, all with the same bits: a model answers the same on every \
            machine, and faster on some. The best level this CPU runs is taken; --cpu or MARTLET_CPU forces a lower \
            one. Threads are what affinity and the cgroup's quota allow; --threads or MARTLET_THREADS sets another \
            number. Both settings are read as 'martlet serve' reads them.

            The peak of a level is measured now, for a moment, on one thread: int8 multiply-adds a second of a loop \
            that does nothing else. It is what the encoder's speed is compared with.

            Examples:
              martlet info
              MARTLET_CPU=avx2 martlet info
              martlet info --json
            """)

    @Option(
        help: ArgumentHelp(
            "Highest instruction set: \(ServeSettings.cpuLevels.joined(separator: ", ")) (default: best).",
            valueName: "level"))
    var cpu: String?

    @Option(help: ArgumentHelp("Compute threads (default: the cores this process may use).", valueName: "count"))
    var threads: String?

    @Option(help: ArgumentHelp("The server's configuration file, YAML or JSON.", valueName: "file"))
    var config: String?

    @Flag(help: "Print JSON.")
    var json = false

    func run() async throws {
        let environment = ProcessInfo.processInfo.environment
        var flags: [String: [String]] = [:]
        flags["cpu"] = cpu.map { [$0] }
        flags["threads"] = threads.map { [$0] }
        let resolved = try await SettingsReader(
            known: ServeSettings.settings, flags: flags, environment: environment,
            file: config ?? environment["MARTLET_CONFIG"]
        ).resolve()
        let settings = try ServeSettings(resolved)
        guard let cpu = resolved.first(where: { $0.setting.key == "cpu" }),
            let threads = resolved.first(where: { $0.setting.key == "threads" })
        else { throw CommandFailure(.internalError, "the settings lack cpu or threads") }
        let report = MachineReport(
            facts: .read(), runnable: KernelTable.runnableHere,
            chosen: KernelTable.best(atMost: settings.cpu.flatMap { CPULevel(rawValue: $0) }).level, cpu: cpu,
            threads: threads, allowance: ComputeThreads.allowance(), peak: { $0.measuredPeak() })
        if json {
            Output.standard.line(JSONText.pretty(report))
        } else {
            show(report)
        }
    }

    private func show(_ report: MachineReport) {
        let output = Output.standard
        let caches = report.caches.map { "\($0.name) \(Quantity.fixed(Double($0.bytes) / 1_024, 0)) KiB" }
        let rows = [
            ("processor", [report.processor, report.architecture].compactMap(\.self).joined(separator: ", ")),
            ("caches", caches.joined(separator: ", ")),
            ("kernels", "\(report.level), \(report.levelReason)"),
            ("threads", "\(report.threads), \(report.threadsReason)"),
        ]
        for (name, value) in rows where !value.isEmpty {
            output.line(output.styled(name + String(repeating: " ", count: 11 - name.count), .dim) + value)
        }
        output.line()
        var table = Table([("level", .left), ("needs", .left), ("here", .left), ("int8 peak of a thread", .right)])
        for level in report.levels {
            let state = level.level == report.level ? "in use" : level.runsHere ? "runs" : "not on this CPU"
            let peak = level.peakMacsPerSecond.map { "\(Quantity.fixed($0 / 1e9, 1)) GMAC/s" } ?? ""
            table.append([level.level, level.needs, state, peak])
        }
        table.lines(for: output).forEach { output.line($0) }
    }
}
