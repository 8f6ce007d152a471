import Dispatch
import MartletCore
import MartletEncoder
import MartletScheduling
import Synchronization

/// Runs an encoder on some threads and takes the time.
final class EncoderTimer: @unchecked Sendable {  // safe: each thread uses its own scratch; the rest is constant
    /// What a run gives; the peers' graphs have the same names.
    enum Graph: String, Decodable {
        /// Mean of every row of the last layer.
        case mean
        /// The classifier's: only the first rows of the last layer are needed.
        case logits

        var output: EncoderOutput { self == .mean ? .meanEmbedding : .logits }
    }

    /// How long to warm up and to measure.
    struct Effort {
        var warm = Duration.milliseconds(200)
        var atLeast = Duration.seconds(1)
        var runsAtLeast = 5
    }

    private let model: EncoderModel
    private let team: (any ComputeTeam)?
    /// For all threads on one batch.
    private let shared: EncoderScratch
    /// One a thread.
    private let scratches: [EncoderScratch]

    init(model: EncoderModel, threads: Int) throws(MartletError) {
        self.model = model
        team = try Self.team(threads: threads)
        shared = try model.scratch(rowsMax: 2_048, members: threads)
        var scratches: [EncoderScratch] = []
        for _ in 0..<threads { scratches.append(try model.scratch(rowsMax: 2_048)) }
        self.scratches = scratches
    }

    /// The threads that help with one batch; nil for one thread.
    private static func team(threads: Int) throws(MartletError) -> (any ComputeTeam)? {
        threads > 1 ? try ThreadTeam(threads: threads) : nil
    }

    /// Median seconds of one batch that all threads work on together, and how often it ran.
    func together(_ batch: PackedBatch, _ graph: Graph, _ effort: Effort) throws(MartletError) -> (Double, runs: Int) {
        guard scratches.count == 1 || team != nil else {
            throw MartletError(.unimplemented, "there is no team of threads for one batch")
        }
        return try median(effort) { () throws(MartletError) in
            var output: [Float] = []
            let start = ContinuousClock.now
            try run(batch, graph, shared, team: team, into: &output)
            return start.duration(to: .now)
        }
    }

    /// Median seconds of all batches, each of which runs on whichever thread is free, and how often that ran.
    func sideBySide(
        _ batches: [PackedBatch], _ graph: Graph, _ effort: Effort
    ) throws(MartletError) -> (Double, runs: Int) {
        try median(effort) { () throws(MartletError) in
            let next = Atomic(0)
            let failure = Mutex<MartletError?>(nil)
            let start = ContinuousClock.now
            DispatchQueue.concurrentPerform(iterations: scratches.count) { [self] thread in
                do throws(MartletError) {
                    var output: [Float] = []
                    while true {
                        let index = next.wrappingAdd(1, ordering: .relaxed).oldValue
                        guard index < batches.count else { break }
                        output.removeAll(keepingCapacity: true)
                        try run(batches[index], graph, scratches[thread], into: &output)
                    }
                } catch {
                    failure.withLock { $0 = error }
                }
            }
            if let error = failure.withLock({ $0 }) { throw error }
            return start.duration(to: .now)
        }
    }

    /// Where the time of one thread goes, summed over the runs, and how often the batch ran.
    func profile(
        _ batch: PackedBatch, _ graph: Graph, _ effort: Effort
    ) throws(MartletError) -> (EncoderProfile, runs: Int) {
        let profile = EncoderProfile()
        var output: [Float] = []
        try run(batch, graph, scratches[0], into: &output)
        var runs = 0
        let begin = ContinuousClock.now
        while runs < effort.runsAtLeast || begin.duration(to: .now) < effort.atLeast {
            output.removeAll(keepingCapacity: true)
            try run(batch, graph, scratches[0], profile: profile, into: &output)
            runs += 1
        }
        return (profile, runs)
    }

    private func run(
        _ batch: PackedBatch, _ graph: Graph, _ scratch: EncoderScratch, team: (any ComputeTeam)? = nil,
        profile: EncoderProfile? = nil, into output: inout [Float]
    ) throws(MartletError) {
        try model.run(
            batch, output: graph.output, scratch: scratch, team: team, profile: profile, results: &output)
    }

    /// Median seconds of `once`, after a warm-up.
    private func median(
        _ effort: Effort, _ once: () throws(MartletError) -> Duration
    ) throws(MartletError) -> (Double, runs: Int) {
        var warm = Duration.zero, warmRuns = 0
        while effort.warm > .zero, warm < effort.warm || (warmRuns < 2 && warm < .seconds(1)) {
            warm += try once()
            warmRuns += 1
        }
        var times: [Duration] = [], sum = Duration.zero
        while times.count < effort.runsAtLeast || sum < effort.atLeast {
            let time = try once()
            times.append(time)
            sum += time
        }
        times.sort()
        let middle = times.count / 2
        let median = times.count % 2 == 1 ? times[middle] : (times[middle - 1] + times[middle]) / 2
        return (median / .seconds(1), times.count)
    }
}
