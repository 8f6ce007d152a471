import MartletScheduling
import Testing

@Suite("ComputeThreads")
struct ComputeThreadsTests {
    @Test(
        "counts the CPUs in the kernel's list",
        arguments: [
            ("Name:\tx\nCpus_allowed_list:\t0-3,7\n", 5), ("Cpus_allowed_list:\t2", 1),
            ("Cpus_allowed_list:\t0-63", 64),
            ("Cpus_allowed_list:\t", nil), ("Cpus_allowed_list:\t3-1", nil), ("Cpus_allowed_list:\t-1", nil),
            ("Cpus_allowed_list:\t0-99999999999999999999", nil), ("Cpus_allowed_list:\t1-2-3", nil), ("", nil),
        ] as [(String, Int?)])
    func allowedCPUs(status: String, expected: Int?) {
        #expect(ComputeThreads.allowedCPUs(status: status) == expected)
    }

    @Test(
        "reads quotas of both cgroup versions",
        arguments: [
            ("150000 100000\n", 1.5), ("max 100000\n", nil), ("200000", nil), ("0 100000", nil), ("100000 0", nil),
            ("x y", nil),
        ] as [(String, Double?)])
    func quotas(cpuMax: String, expected: Double?) {
        #expect(ComputeThreads.quota(cpuMax: cpuMax) == expected)
        let fields = cpuMax.split(separator: " ").map(String.init)
        if fields.count == 2, fields[0] != "max" {
            #expect(ComputeThreads.quota(microseconds: fields[0], period: fields[1]) == expected)
        }
    }

    private func available(online: Int = 16, _ files: [String: String]) -> Int {
        ComputeThreads.available(online: online) { files[$0] }
    }

    @Test("takes the smallest of affinity and every ancestor's quota")
    func smallest() {
        let status = ["/proc/self/status": "Cpus_allowed_list:\t0-7"]
        #expect(available([:]) == 16)
        #expect(available(status) == 8)
        #expect(available(status.merging(["/sys/fs/cgroup/cpu.max": "250000 100000"]) { $1 }) == 3)
        #expect(available(status.merging(["/sys/fs/cgroup/cpu.max": "max 100000"]) { $1 }) == 8)
        let nested = [
            "/proc/self/cgroup": "0::/user.slice/app.scope\n", "/sys/fs/cgroup/user.slice/cpu.max": "200000 100000",
            "/sys/fs/cgroup/user.slice/app.scope/cpu.max": "600000 100000",
        ]
        #expect(available(status.merging(nested) { $1 }) == 2)
        let first = [
            "/proc/self/cgroup": "4:cpu,cpuacct:/docker/x\n3:memory:/docker/x\n",
            "/sys/fs/cgroup/cpu/docker/x/cpu.cfs_quota_us": "50000\n",
            "/sys/fs/cgroup/cpu/docker/x/cpu.cfs_period_us": "100000\n",
        ]
        #expect(available(status.merging(first) { $1 }) == 1)
    }

    @Test("leaves the mounted tree for no path that climbs out of it")
    func climbing() {
        #expect(ComputeThreads.quotaFiles(cgroup: "0::/../../etc\n").count == 2)
    }

    @Test("finds at least one CPU on this machine")
    func here() {
        #expect(ComputeThreads.available() >= 1)
        #expect(ComputeThreads.available() <= SystemFiles.onlineCPUs)
    }
}
