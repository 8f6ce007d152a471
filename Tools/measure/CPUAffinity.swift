import Foundation

/// Keeps a measuring process off the CPU of what it measures.
enum CPUAffinity {
    /// Moves every thread of this process to `cpu`; new threads follow. Without `taskset` nothing happens.
    static func pinThisProcess(to cpu: Int) {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/taskset")
        process.arguments = ["-a", "-p", "-c", String(cpu), String(ProcessInfo.processInfo.processIdentifier)]
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        if (try? process.run()) != nil { process.waitUntilExit() }
    }
}
