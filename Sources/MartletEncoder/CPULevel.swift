/// Instruction sets the kernels are written for, worst first. All give the same bits.
package enum CPULevel: String, CaseIterable, Comparable, Sendable {
    /// Plain C loops: the definition the others are compared with.
    case scalar
    /// AVX2 and FMA.
    case avx2
    /// AVX-512 with VNNI.
    case avx512vnni

    package static func < (left: CPULevel, right: CPULevel) -> Bool { left.rank < right.rank }

    private var rank: Int {
        switch self {
        case .scalar: 0
        case .avx2: 1
        case .avx512vnni: 2
        }
    }
}
