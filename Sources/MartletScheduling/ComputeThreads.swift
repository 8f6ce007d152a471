/// How many compute threads this process should run: what the scheduler lets it use, not what the machine has.
package enum ComputeThreads {
    /// Threads that share one batch at most: a pass of some hundred rows keeps no more busy, and each has its own part
    /// of the scratch.
    package static let teamMax = 8

    /// What bounds the number, for people.
    package struct Allowance: Hashable, Sendable {
        /// CPUs of the machine.
        package var online: Int
        /// CPUs the process may run on; nil where the system does not tell.
        package var affinity: Int?
        /// CPUs' worth of time that the tightest cgroup quota allows, such as 1.5; nil for no quota.
        package var quota: Double?

        package init(online: Int, affinity: Int? = nil, quota: Double? = nil) {
            self.online = online
            self.affinity = affinity
            self.quota = quota
        }

        /// The smaller of the two, rounded up; at least 1.
        package var threads: Int {
            let quotaThreads = quota.map { Int(min($0, 1_048_576).rounded(.up)) }
            return max(1, min(affinity ?? online, quotaThreads ?? .max))
        }
    }

    package static func available() -> Int { allowance().threads }

    package static func available(online: Int, read: (String) -> String?) -> Int {
        allowance(online: online, read: read).threads
    }

    /// As below, read from this machine.
    package static func allowance() -> Allowance {
        allowance(online: SystemFiles.onlineCPUs, read: SystemFiles.read)
    }

    /// - Parameters:
    ///   - online: CPUs of the machine, for systems that do not tell the process's own.
    ///   - read: a file's text by its path; nil when there is none.
    package static func allowance(online: Int, read: (String) -> String?) -> Allowance {
        let affinity = read("/proc/self/status").flatMap(allowedCPUs(status:))
        let quotas = quotaFiles(cgroup: read("/proc/self/cgroup") ?? "").compactMap { file in
            switch file {
            case .v2(let path): read(path).flatMap(quota(cpuMax:))
            case .v1(let folder):
                quota(
                    microseconds: read(folder + "/cpu.cfs_quota_us"), period: read(folder + "/cpu.cfs_period_us"))
            }
        }
        return Allowance(online: online, affinity: affinity, quota: quotas.min())
    }

    /// CPUs in the line `Cpus_allowed_list: 0-3,7` of `/proc/<pid>/status`; nil when the line is missing or odd.
    package static func allowedCPUs(status: String) -> Int? {
        let label = "Cpus_allowed_list:"
        guard let line = status.split(separator: "\n").first(where: { $0.hasPrefix(label) }) else { return nil }
        let list = line.dropFirst(label.count).filter { !$0.isWhitespace }
        var count = 0
        for range in list.split(separator: ",") {
            let ends = range.split(separator: "-", omittingEmptySubsequences: false).map { Int($0) }
            guard ends.count <= 2, let first = ends.first ?? nil, let last = ends.last ?? nil, first <= last,
                (0..<1 << 20).contains(first), last < 1 << 20
            else { return nil }
            count += last - first + 1
        }
        return count > 0 ? count : nil
    }

    package enum QuotaFile: Hashable {
        case v2(String)
        case v1(folder: String)
    }

    /// Where quotas that bind this process may stand. Every ancestor's quota binds too, and inside a container the
    /// process's own group is usually mounted as the root.
    package static func quotaFiles(cgroup: String) -> [QuotaFile] {
        var files: [QuotaFile] = [.v2("/sys/fs/cgroup/cpu.max"), .v1(folder: "/sys/fs/cgroup/cpu")]
        for line in cgroup.split(separator: "\n") {
            // hierarchy number, controllers, path
            let fields = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
            guard fields.count == 3 else { continue }
            let names = fields[2].split(separator: "/")
            guard names.count <= 64, !names.contains("..") else { continue }
            for depth in 0..<names.count {
                let path = names[...depth].joined(separator: "/")
                if fields[1].isEmpty {
                    files.append(.v2("/sys/fs/cgroup/\(path)/cpu.max"))
                } else if fields[1].split(separator: ",").contains("cpu") {
                    files.append(.v1(folder: "/sys/fs/cgroup/cpu/\(path)"))
                }
            }
        }
        return files
    }

    /// CPUs that `cpu.max` allows, such as 1.5 for `150000 100000`; nil for `max` or an odd text.
    package static func quota(cpuMax: String) -> Double? {
        let fields = cpuMax.split(whereSeparator: \.isWhitespace)
        guard fields.count == 2 else { return nil }
        return quota(microseconds: String(fields[0]), period: String(fields[1]))
    }

    /// The same from cgroup v1's two files, where -1 means no quota.
    package static func quota(microseconds: String?, period: String?) -> Double? {
        func number(_ text: String?) -> Double? {
            text.flatMap { Int($0.filter { !$0.isWhitespace }) }.flatMap { $0 > 0 ? Double($0) : nil }
        }
        guard let used = number(microseconds), let period = number(period) else { return nil }
        return used / period
    }
}
