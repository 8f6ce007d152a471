import MartletEncoder
import MartletScheduling
import Testing
import martlet

@Suite("What info tells about the machine")
struct MachineReportTests {
    private func setting(_ key: String, _ text: String, _ source: SettingSource) -> ResolvedSetting {
        ResolvedSetting(setting: Setting(key, .text, default: "", ""), texts: [text], source: source)
    }

    @Test(
        "says why a level was chosen",
        arguments: [
            ("best", SettingSource.fallback, CPULevel.avx2, "the best this CPU runs"),
            ("scalar", .flag, .scalar, "because --cpu allows no more; the best here is avx2"),
            (
                "scalar", .environment("MARTLET_CPU"), .scalar,
                "because MARTLET_CPU allows no more; the best here is avx2"
            ),
            ("amx", .file("m.yaml"), .avx2, "the best this CPU runs; 'm.yaml' would allow amx"),
            ("avx2", .flag, .avx2, "the best this CPU runs, and what --cpu asks for"),
        ])
    func levelReason(text: String, source: SettingSource, chosen: CPULevel, wanted: String) {
        let cpu = setting("cpu", text, source)
        #expect(MachineReport.reason(chosen: chosen, best: .avx2, cpu: cpu) == wanted)
    }

    @Test("says what bounds the threads, the tighter first")
    func threadsReason() {
        func reason(_ affinity: Int?, _ quota: Double?) -> String {
            MachineReport.reason(ComputeThreads.Allowance(online: 8, affinity: affinity, quota: quota))
        }
        #expect(reason(nil, nil) == "all CPUs of this machine are allowed, and there is no cgroup quota")
        #expect(reason(2, nil).hasPrefix("2 of 8 CPUs are allowed by the affinity"))
        #expect(reason(2, 1.5).hasPrefix("the cgroup quota is 1.50 CPUs; 2 of 8"))
        #expect(reason(2, 4).hasPrefix("2 of 8"))
    }

    @Test("measures only levels that run, and marks them")
    func levels() {
        var measured: [CPULevel] = []
        let report = MachineReport(
            facts: ProcessorFacts(read: { _ in nil }), runnable: [.scalar], chosen: .scalar,
            cpu: setting("cpu", "best", .fallback), threads: setting("threads", "3", .flag),
            allowance: ComputeThreads.Allowance(online: 8)
        ) {
            measured.append($0)
            return nil
        }
        #expect(measured == [.scalar])
        #expect(report.levels.map(\.level) == CPULevel.ladder.map(\.rawValue))
        #expect(report.levels.filter(\.runsHere).map(\.level) == ["scalar"])
        #expect(report.threads == 3)
        #expect(report.threadsReason == "set by --threads")
    }

    @Test("reads the processor's name and caches as Linux writes them")
    func facts() {
        let cache = "/sys/devices/system/cpu/cpu0/cache/index"
        let files = [
            "/proc/cpuinfo": "processor\t: 0\nmodel name\t: Some  CPU @ 2\n",
            cache + "0/level": "1\n", cache + "0/type": "Data\n", cache + "0/size": "48K\n",
            cache + "1/level": "1\n", cache + "1/type": "Instruction\n", cache + "1/size": "32K\n",
            cache + "2/level": "3\n", cache + "2/type": "Unified\n", cache + "2/size": "260M\n",
        ]
        let facts = ProcessorFacts(read: { files[$0] })
        #expect(facts.name == "Some CPU @ 2")
        #expect(facts.caches == [.init(name: "L1d", bytes: 49_152), .init(name: "L3", bytes: 272_629_760)])
        #expect(ProcessorFacts.bytes("99999999999999999999K") == nil)
        #expect(ProcessorFacts.bytes("") == nil)
    }
}
