import Foundation

/// What another process takes of the machine, from /proc.
struct MeasuredProcess {
    let id: Int32

    /// CPU time of all its threads so far, from the scheduler, in nanoseconds.
    func cpuNanoseconds() -> Double {
        let tasks = "/proc/\(id)/task"
        let threads = (try? FileManager.default.contentsOfDirectory(atPath: tasks)) ?? []
        return threads.reduce(0) { sum, thread in
            let text = (try? String(contentsOfFile: "\(tasks)/\(thread)/schedstat", encoding: .utf8)) ?? ""
            return sum + (Double(text.split(separator: " ").first ?? "0") ?? 0)
        }
    }

    /// A line of /proc/<pid>/status such as `VmRSS` or `VmHWM`, in bytes.
    func memoryBytes(_ key: String) -> Int {
        let path = "/proc/\(id)/status"
        let text = (try? String(contentsOfFile: path, encoding: .utf8)) ?? ""
        let line = text.split(separator: "\n").first { $0.hasPrefix(key + ":") } ?? ""
        return (line.split(whereSeparator: \.isWhitespace).dropFirst().first.flatMap { Int($0) } ?? 0) * 1_024
    }

    /// Makes `VmHWM` start again from what is resident now.
    func resetPeak() {
        try? "5".write(toFile: "/proc/\(id)/clear_refs", atomically: false, encoding: .utf8)
    }

    var threads: Int { entries("task") }
    var descriptors: Int { entries("fd") }

    private func entries(_ folder: String) -> Int {
        ((try? FileManager.default.contentsOfDirectory(atPath: "/proc/\(id)/\(folder)")) ?? []).count
    }
}
