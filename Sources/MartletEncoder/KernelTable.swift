internal import CMartletKernels

/// The kernels of one CPU level, chosen once.
package struct KernelTable: @unchecked Sendable {  // safe: holds function pointers only, never changed
    package let level: CPULevel
    let kernels: martlet_kernel_table

    /// The fastest kernels this CPU runs, or the fastest not above `atMost`; a level of another architecture gives the
    /// scalar ones.
    package static func best(atMost: CPULevel? = nil) -> KernelTable {
        let allowed = runnableHere.filter { level in
            atMost.map { level <= $0 && CPULevel.ladder.contains($0) } ?? true
        }
        return KernelTable(level: allowed.last ?? .scalar)
    }

    /// Levels whose instructions this CPU has and its operating system supports, worst first.
    package static var runnableHere: [CPULevel] {
        let features = martlet_cpu_features()
        return CPULevel.ladder.filter { $0.features & ~features == 0 }
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
    package var features: UInt32 {
        switch self {
        case .scalar: 0
        case .sse41: UInt32(MARTLET_CPU_SSE41)
        case .avx2: Self.sse41.features | UInt32(MARTLET_CPU_AVX2)
        case .avxvnni: Self.avx2.features | UInt32(MARTLET_CPU_AVXVNNI)
        // Not on top of avxvnni: Zen 4 has AVX512-VNNI alone.
        case .avx512vnni: Self.avx2.features | UInt32(MARTLET_CPU_AVX512VNNI)
        case .amx: Self.avx512vnni.features | UInt32(MARTLET_CPU_AMX)
        case .neon: UInt32(MARTLET_CPU_NEON)
        case .neondotprod: Self.neon.features | UInt32(MARTLET_CPU_NEON_DOTPROD)
        case .neoni8mm: Self.neondotprod.features | UInt32(MARTLET_CPU_NEON_I8MM)
        }
    }

    /// Int8 multiply-adds of a measured loop of about `loops` * 240 instructions; 0 where there is no such loop.
    ///
    /// - Precondition: the level is one of `KernelTable.runnableHere`.
    package func runPeakLoop(_ loops: Int) -> Int { Int(martlet_peak_s8_macs(features, UInt64(max(0, loops)))) }

    /// The most int8 multiply-adds one thread does in a second with the level's best instruction, measured for some
    /// `milliseconds`; nil where there is no such instruction.
    package func measuredPeak(milliseconds: Int = 30) -> Double? {
        let clock = ContinuousClock()
        let slice = Duration.milliseconds(max(1, milliseconds / 5))
        var loops = 256, best = 0.0, measured = 0
        // Doubled until a run is long enough to time; then the best of five, as others disturb and never help.
        while measured < 5 {
            let start = clock.now
            let macs = runPeakLoop(loops)
            let took = start.duration(to: clock.now)
            guard macs > 0 else { return nil }
            if took < slice, loops < 1 << 40 {
                loops *= 2
            } else {
                measured += 1
                best = max(best, Double(macs) / (took / .seconds(1)))
            }
        }
        return best
    }
}
