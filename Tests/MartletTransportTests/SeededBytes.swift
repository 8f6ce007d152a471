/// The same bytes for the same seed.
struct SeededBytes {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    /// From 0 up to `bound`, which is positive.
    mutating func below(_ bound: Int) -> Int {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return Int((state >> 33) % UInt64(max(1, bound)))
    }

    /// `golden` cut, with one bit flipped, with random bytes from some place on, or with a part of itself inside: one
    /// after the other by `round`.
    /// - Parameter kept: bytes at the start that random ones leave alone.
    mutating func mutated(_ golden: [UInt8], keeping kept: Int, round: Int) -> [UInt8] {
        var bytes = golden
        switch round % 4 {
        case 0: bytes.removeLast(below(bytes.count))
        case 1: bytes[below(bytes.count)] ^= 1 << UInt8(below(8))
        case 2:
            let start = kept + below(bytes.count - kept)
            for index in start..<bytes.count { bytes[index] = UInt8(below(256)) }
        default: bytes.insert(contentsOf: bytes[below(bytes.count)...], at: below(bytes.count))
        }
        return bytes
    }
}
