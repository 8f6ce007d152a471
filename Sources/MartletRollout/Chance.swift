internal import Synchronization

/// Numbers that look like chance, from one counter: no lock, and no state that others share.
///
/// SplitMix64: each number comes once in 2^64, so shares of the calls come out even.
/// - SeeAlso: Steele, Lea, Flood 2014, "Fast splittable pseudorandom number generators".
final class Chance: Sendable {
    private let drawn = Atomic<UInt64>(0)

    func next() -> UInt64 {
        Self.mix(drawn.wrappingAdd(1, ordering: .relaxed).newValue &* 0x9E37_79B9_7F4A_7C15)
    }

    /// Spreads every bit of `value` over all bits; no two values give the same.
    static func mix(_ value: UInt64) -> UInt64 {
        var mixed = value
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}

/// A hash that is the same in every process and every release: FNV-1a, its bits spread at the end.
struct StableHash: Sendable {
    private var state: UInt64 = 0xCBF2_9CE4_8422_2325

    mutating func add(_ bytes: some Sequence<UInt8>) {
        for byte in bytes { state = (state ^ UInt64(byte)) &* 0x100_0000_01B3 }
        // An end, so that "ab" + "c" is not "a" + "bc".
        state = (state ^ 0xFF) &* 0x100_0000_01B3
    }

    var value: UInt64 { Chance.mix(state) }
}
