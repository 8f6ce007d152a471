import MartletScheduling

/// What Linux tells about the processor, for people: nothing is decided by it. Empty or nil where it does not tell.
package struct ProcessorFacts: Sendable {
    package struct Cache: Encodable, Hashable, Sendable {
        /// `L1d`, `L2`.
        package var name: String
        package var bytes: Int

        package init(name: String, bytes: Int) {
            self.name = name
            self.bytes = bytes
        }
    }

    /// `AMD EPYC 9354`; nil on ARM, whose `/proc/cpuinfo` has numbers only.
    package var name: String?
    package var caches: [Cache]

    package static let architecture: String = {
        #if arch(x86_64)
        "x86-64"
        #elseif arch(arm64)
        "arm64"
        #else
        "other"
        #endif
    }()

    /// As below, read from this machine.
    package static func read() -> ProcessorFacts { ProcessorFacts(read: SystemFiles.read) }

    /// - Parameter read: a file's text by its path; nil when there is none.
    package init(read: (String) -> String?) {
        name = read("/proc/cpuinfo").flatMap(Self.modelName(cpuinfo:))
        caches = []
        for index in 0..<8 {
            let folder = "/sys/devices/system/cpu/cpu0/cache/index\(index)/"
            func line(_ file: String) -> String? {
                read(folder + file)?.split(separator: "\n").first.map(String.init)
            }
            guard let level = line("level"), let type = line("type"), let size = line("size") else { break }
            guard type != "Instruction", let bytes = Self.bytes(size) else { continue }
            caches.append(Cache(name: "L" + level + (type == "Data" ? "d" : ""), bytes: bytes))
        }
    }

    /// The value of the first line `model name : …`.
    package static func modelName(cpuinfo: String) -> String? {
        guard let line = cpuinfo.split(separator: "\n").first(where: { $0.hasPrefix("model name") }) else { return nil }
        let value = line.drop { $0 != ":" }.dropFirst().split(separator: " ").joined(separator: " ")
        return value.isEmpty ? nil : value
    }

    /// `48K`, `2048K` or `260M` in bytes.
    package static func bytes(_ size: String) -> Int? {
        let units: [Character: Int] = ["K": 1 << 10, "M": 1 << 20, "G": 1 << 30]
        guard let unit = size.last, let factor = units[unit], let count = Int(size.dropLast()), count >= 0 else {
            return nil
        }
        let (bytes, overflow) = count.multipliedReportingOverflow(by: factor)
        return overflow ? nil : bytes
    }
}
