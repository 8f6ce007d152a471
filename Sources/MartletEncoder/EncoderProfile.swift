/// A part of the encoder's work, as a profile names it.
package enum EncoderStep: Int, CaseIterable, Sendable {
    /// Sum of the three embedding rows.
    case embedding
    /// Residual sum and layer norm, with the quantisation of their result.
    case norm
    /// Query, key and value projection.
    case queryKeyValue
    case attention
    /// Quantisation that no other step does on its way.
    case quantisation
    /// Output projection of the attention.
    case attentionOutput
    /// First feed-forward projection and the activation, with the quantisation of its result.
    case intermediate
    /// Second feed-forward projection.
    case output
    /// Mean of a sequence's rows.
    case pooling
    /// Pooler and classifier.
    case head
    /// A thread of a team waits for the others.
    case waiting

    /// As shown and as written in JSON.
    package var name: String {
        switch self {
        case .embedding: "embedding"
        case .norm: "norm"
        case .queryKeyValue: "query, key, value"
        case .attention: "attention"
        case .quantisation: "quantisation"
        case .attentionOutput: "attention output"
        case .intermediate: "feed-forward 1, GELU"
        case .output: "feed-forward 2"
        case .pooling: "pooling"
        case .head: "head"
        case .waiting: "waiting"
        }
    }
}

/// Where one thread's time goes in encoder runs: a stopwatch that is told at the end of each step what the step was.
///
/// ```swift
/// profile?.start()                                    // once a run, and whenever a thread joins in
/// normalize(block)
/// profile?.lap(.norm, rows: block.count)              // everything since the last lap was the norm
/// ```
/// Costs one comparison a step when there is no profile, and one reading of the clock (about 30 ns) when there is.
/// For one thread: a team has one profile a member, added up at the end.
package final class EncoderProfile {
    /// What a step took so far.
    package struct Total: Sendable {
        package var duration = Duration.zero
        /// Rows the step was told of; the same row counts once in every layer.
        package var rows = 0
    }

    private var totals = [Total](repeating: Total(), count: EncoderStep.allCases.count)
    private var last = ContinuousClock.now

    package init() {}

    /// Time that passed until now belongs to no step.
    package func start() { last = .now }

    /// Everything since the last `start` or `lap` was `step`, on so many rows.
    package func lap(_ step: EncoderStep, rows: Int) {
        let now = ContinuousClock.now
        totals[step.rawValue].duration += last.duration(to: now)
        totals[step.rawValue].rows += rows
        last = now
    }

    /// Adds what another thread took. Neither may be in use.
    package func add(_ other: EncoderProfile) {
        for step in EncoderStep.allCases {
            totals[step.rawValue].duration += other[step].duration
            totals[step.rawValue].rows += other[step].rows
        }
    }

    package func reset() {
        for index in totals.indices { totals[index] = Total() }
        last = .now
    }

    package subscript(step: EncoderStep) -> Total { totals[step.rawValue] }

    /// Sum over all steps.
    package var duration: Duration { totals.reduce(.zero) { $0 + $1.duration } }
}
