import Dispatch
import MartletCore
import MartletEncoder
import Synchronization

/// Times an encoder over the same batches, again and again, after a warm-up.
final class EncoderTimer: @unchecked Sendable {  // safe: each worker uses its own scratch; the rest is constant
    private let model: EncoderModel
    private let batches: [PackedBatch]
    private let scratches: [EncoderScratch]

    init(model: EncoderModel, batches: [PackedBatch], threads: Int) throws(MartletError) {
        self.model = model
        self.batches = batches
        var scratches: [EncoderScratch] = []
        for _ in 0..<threads { scratches.append(try model.scratch(rowsMax: 2_048)) }
        self.scratches = scratches
    }

    /// Median seconds of one run over the batches, of at least 5 runs and about a second.
    ///
    /// One batch: every thread runs it. Several: the threads share them.
    func median() throws(MartletError) -> Double {
        let begin = ContinuousClock.now
        _ = try once(repeats: 1)
        let first = try once(repeats: 1)
        // A time of several milliseconds is one that the clock and the scheduler do not blur.
        let repeats = max(1, Int(0.005 / max(first, 1e-6)))
        var times: [Double] = []
        while times.count < 5 || begin.duration(to: .now) < .milliseconds(1_000) {
            times.append(try once(repeats: repeats) / Double(repeats))
        }
        times.sort()
        return times[times.count / 2]
    }

    private func once(repeats: Int) throws(MartletError) -> Double {
        let next = Mutex(0)
        let failure = Mutex<MartletError?>(nil)
        let start = ContinuousClock.now
        DispatchQueue.concurrentPerform(iterations: scratches.count) { [self] worker in
            do throws(MartletError) {
                var logits: [Float] = []
                for _ in 0..<repeats {
                    if batches.count == 1 {
                        logits.removeAll(keepingCapacity: true)
                        try model.run(batches[0], scratch: scratches[worker], results: &logits)
                        continue
                    }
                    while true {
                        let index = next.withLock { value in
                            value += 1
                            return value - 1
                        }
                        guard index < batches.count else { break }
                        logits.removeAll(keepingCapacity: true)
                        try model.run(batches[index], scratch: scratches[worker], results: &logits)
                    }
                }
            } catch {
                failure.withLock { $0 = error }
            }
        }
        if let error = failure.withLock({ $0 }) { throw error }
        return start.duration(to: .now) / .seconds(1)
    }
}
