/// Instruction sets the kernels are written for; those of one architecture worst first. All give the same bits.
package enum CPULevel: String, CaseIterable, Comparable, Sendable {
    /// Plain C loops: the definition the others are compared with.
    case scalar
    /// SSE4.1, which any x86-64-v2 has. It has no fused multiply-add: floats are exact and slow.
    case sse41
    /// AVX2 and FMA.
    case avx2
    /// AVX2 with `vpdpbusd` on 256 bits.
    case avxvnni
    /// AVX-512 with VNNI.
    case avx512vnni
    /// AVX-512 with VNNI, and AMX tiles for int8.
    case amx
    /// What every 64-bit ARM has.
    case neon
    /// NEON with `sdot`.
    case neondotprod
    /// NEON with `usmmla`.
    case neoni8mm

    /// The levels of the architecture this program was built for, worst first.
    package static let ladder: [CPULevel] = {
        #if arch(x86_64)
        [.scalar, .sse41, .avx2, .avxvnni, .avx512vnni, .amx]
        #elseif arch(arm64)
        [.scalar, .neon, .neondotprod, .neoni8mm]
        #else
        [.scalar]
        #endif
    }()

    /// What a CPU must have for the level, for people.
    package var needs: String {
        switch self {
        case .scalar: "plain C"
        case .sse41: "SSE4.1"
        case .avx2: "AVX2, FMA"
        case .avxvnni: "AVX2, FMA, AVX-VNNI"
        case .avx512vnni: "AVX-512 F BW DQ VL, AVX512-VNNI"
        case .amx: "AVX512-VNNI, AMX-TILE, AMX-INT8"
        case .neon: "NEON"
        case .neondotprod: "NEON, dot product"
        case .neoni8mm: "NEON, dot product, I8MM"
        }
    }

    private var place: Int { Self.allCases.firstIndex(of: self) ?? 0 }

    package static func < (left: CPULevel, right: CPULevel) -> Bool { left.place < right.place }
}
