import Dispatch
import MartletEncoder
import Synchronization

/// The most int8 multiply-adds a second that this CPU's instruction gives, measured.
enum Int8Peak {
    /// GMAC/s of so many threads at once; each counts its best of five loops of some milliseconds. 0 where there is no
    /// such instruction.
    static func measure(_ level: CPULevel, threads: Int) -> Double {
        let sum = Mutex(0.0)
        DispatchQueue.concurrentPerform(iterations: threads) { _ in
            var best = 0.0
            for _ in 0..<5 {
                let start = ContinuousClock.now
                let macs = level.runPeakLoop(100_000)
                let seconds = start.duration(to: .now) / .seconds(1)
                if seconds > 0 { best = max(best, Double(macs) / seconds / 1e9) }
            }
            sum.withLock { $0 += best }
        }
        return sum.withLock { $0 }
    }
}
