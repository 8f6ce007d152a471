import MartletEncoder
import MartletScheduling

/// What `martlet info` tells: the kernels and threads a server started here would use, and why.
package struct MachineReport: Encodable, Sendable {
    package struct Level: Encodable, Sendable {
        package var level: String
        package var needs: String
        package var runsHere: Bool
        /// Int8 multiply-adds of one thread in a second; nil where not measured.
        package var peakMacsPerSecond: Double?
    }

    package var processor: String?
    package var architecture: String
    package var caches: [ProcessorFacts.Cache]
    /// The level in use.
    package var level: String
    package var levelReason: String
    package var bestLevel: String
    package var levels: [Level]
    package var threads: Int
    package var threadsReason: String

    /// - Parameters:
    ///   - cpu, threads: the two settings as `martlet serve` would resolve them.
    ///   - runnable: levels this CPU has, worst first.
    ///   - peak: measures a runnable level.
    package init(
        facts: ProcessorFacts, runnable: [CPULevel], chosen: CPULevel, cpu: ResolvedSetting, threads: ResolvedSetting,
        allowance: ComputeThreads.Allowance, peak: (CPULevel) -> Double?
    ) {
        processor = facts.name
        architecture = ProcessorFacts.architecture
        caches = facts.caches
        let best = runnable.last ?? .scalar
        level = chosen.rawValue
        bestLevel = best.rawValue
        levelReason = Self.reason(chosen: chosen, best: best, cpu: cpu)
        levels = CPULevel.ladder.map { level in
            let runs = runnable.contains(level)
            return Level(
                level: level.rawValue, needs: level.needs, runsHere: runs, peakMacsPerSecond: runs ? peak(level) : nil)
        }
        let wanted = SettingValue.count(threads.text) ?? 0
        self.threads = wanted > 0 ? wanted : allowance.threads
        threadsReason = wanted > 0 ? "set by \(Self.place(threads))" : Self.reason(allowance)
    }

    package static func reason(chosen: CPULevel, best: CPULevel, cpu: ResolvedSetting) -> String {
        guard cpu.text != "best" else { return "the best this CPU runs" }
        guard chosen < best else {
            return cpu.text == chosen.rawValue
                ? "the best this CPU runs, and what \(place(cpu)) asks for"
                : "the best this CPU runs; \(place(cpu)) would allow \(cpu.text)"
        }
        let allows = chosen.rawValue == cpu.text ? "no more" : cpu.text + ", which this CPU lacks"
        return "because \(place(cpu)) allows \(allows); the best here is \(best.rawValue)"
    }

    /// What bounds the threads, the tighter one first.
    package static func reason(_ allowance: ComputeThreads.Allowance) -> String {
        let cpus = allowance.affinity ?? allowance.online
        let affinity =
            cpus < allowance.online
            ? "\(cpus) of \(allowance.online) CPUs are allowed by the affinity" : "all CPUs of this machine are allowed"
        guard let quota = allowance.quota else { return affinity + ", and there is no cgroup quota" }
        let text = "the cgroup quota is \(Quantity.fixed(quota, 2)) CPUs"
        return quota < Double(cpus) ? "\(text); \(affinity)" : "\(affinity); \(text)"
    }

    private static func place(_ setting: ResolvedSetting) -> String {
        switch setting.source {
        case .flag: "--\(setting.setting.key)"
        case .environment(let name): name
        case .file(let path): "'\(path)'"
        case .fallback: "the default"
        }
    }
}
