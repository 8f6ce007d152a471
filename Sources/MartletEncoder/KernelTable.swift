internal import CMartletKernels

/// The kernels of one CPU level, chosen once.
package struct KernelTable: @unchecked Sendable {  // safe: holds function pointers only, never changed
    package let level: CPULevel
    let kernels: martlet_kernel_table

    /// The fastest kernels this CPU runs, or the fastest not above `atMost`.
    package static func best(atMost: CPULevel? = nil) -> KernelTable {
        let limit = atMost ?? .avx512vnni
        let allowed = runnableHere.filter { $0 <= limit }
        return KernelTable(level: allowed.max() ?? .scalar)
    }

    /// Levels whose instructions this CPU has and its operating system supports, worst first.
    package static var runnableHere: [CPULevel] {
        let features = martlet_cpu_features()
        return CPULevel.allCases.filter { $0.features & ~features == 0 }
    }

    /// - Precondition: `level` is one of `runnableHere`.
    private init(level: CPULevel) {
        self.level = level
        let table = UnsafeMutablePointer<martlet_kernel_table>.allocate(capacity: 1)
        defer { table.deallocate() }
        martlet_kernel_table_init(table, level.features)
        kernels = table.pointee
    }
}

extension CPULevel {
    /// Bits of `martlet_cpu_features` that the level needs.
    var features: UInt32 {
        switch self {
        case .scalar: 0
        case .avx2: UInt32(MARTLET_CPU_AVX2)
        case .avx512vnni: UInt32(MARTLET_CPU_AVX2) | UInt32(MARTLET_CPU_AVX512VNNI)
        }
    }

    /// Int8 multiply-adds of a measured loop of about `loops` * 240 instructions; 0 where there is no such loop.
    package func runPeakLoop(_ loops: Int) -> Int { Int(martlet_peak_s8_macs(features, UInt64(max(0, loops)))) }
}
