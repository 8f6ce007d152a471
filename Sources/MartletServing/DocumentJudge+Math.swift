#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

extension DocumentJudge {
    /// log(1 - score), with scores above 1 - 1e-7 taken as that, so that one certain window leaves a finite sum.
    static func logOfComplement(_ score: Float) -> Double { log(max(1e-7, 1 - Double(score))) }

    static func exponential(_ value: Double) -> Double { exp(value) }
}
