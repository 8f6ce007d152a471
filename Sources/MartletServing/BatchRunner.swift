internal import MartletCore
internal import MartletEncoder
internal import MartletText

/// Runs batches on one compute thread: tokenizes texts, packs sequences without padding, runs the encoder, answers.
///
/// Every work gets exactly one outcome, whatever fails.
final class BatchRunner {
    private struct Sequence {
        let work: InferenceWork
        let tokensRead: Int
        let tokensTotal: Int
        let tokenize: Duration
    }

    /// Threads that help with a batch while they have none of their own.
    private let team: any ComputeTeam
    private var batch = PackedBatch()
    private var sequences: [Sequence] = []
    /// What the encoder gives: logits, vectors or rows.
    private var values: [Float] = []

    init(team: any ComputeTeam) { self.team = team }

    func run(_ works: [InferenceWork]) {
        for work in works where !work.isCancelled {
            let start = ContinuousClock.now
            do throws(MartletError) {
                let sequence = try work.payload.sequence(for: work.model, wayOut: work.wayOut)
                var tokenize = start.duration(to: .now)
                if case .sequence = work.payload { tokenize = .zero }
                add(sequence, work: work, tokenize: tokenize)
            } catch {
                work.refuse(error)
            }
        }
        flush()
    }

    private func add(_ sequence: TokenSequence, work: InferenceWork, tokenize: Duration) {
        guard !work.isCancelled else { return }
        if batch.rows > 0, batch.rows + sequence.ids.count > work.model.rowsMax { flush() }
        batch.append(ids: sequence.ids, typeIDs: sequence.typeIDs)
        sequences.append(
            Sequence(
                work: work, tokensRead: sequence.ids.count, tokensTotal: sequence.tokensTotal, tokenize: tokenize))
    }

    /// Encodes what is packed and answers it.
    private func flush() {
        defer {
            batch.removeAll(keepingCapacity: true)
            sequences.removeAll(keepingCapacity: true)
            values.removeAll(keepingCapacity: true)
        }
        guard let first = sequences.first?.work else { return }
        let model = first.model, output = first.output
        let start = ContinuousClock.now
        do {
            try model.withScratch { scratch throws(MartletError) in
                try model.encoder.run(
                    batch, output: output, scratch: scratch, team: team, isCancelled: nobodyWaits, results: &values)
            }
        } catch {
            for sequence in sequences {
                sequence.work.refuse(sequence.work.deadline.hasPassed ? .deadlinePassed : error)
            }
            return
        }
        answer(start: start, compute: start.duration(to: .now), model: model, output: output)
    }

    private func answer(
        start: ContinuousClock.Instant, compute: Duration, model: ServedModel, output: EncoderOutput
    ) {
        let width = model.answerWidth
        let queues = sequences.map { $0.work.submitted.duration(to: start) - $0.tokenize }
        // Before the answers: who has one finds it counted.
        model.counters.add(
            texts: sequences.count, tokens: batch.rows, queue: queues.reduce(.zero, +),
            tokenize: sequences.reduce(.zero) { $0 + $1.tokenize }, compute: compute)
        model.lengths.add(sequences.lazy.map(\.tokensRead))
        var place = 0
        for (sequence, queue) in zip(sequences, queues) {
            let end = place + (output == .hiddenStates ? sequence.tokensRead : 1) * width
            let own = values[place..<end]
            place = end
            let answer = SequenceAnswer(
                values: sequence.work.form?.finish(own, width: width) ?? Array(own), tokensRead: sequence.tokensRead,
                tokensTotal: sequence.tokensTotal, queue: queue, tokenize: sequence.tokenize, compute: compute)
            sequence.work.ticket.resolve(sequence.work.index, answer)
        }
    }

    private func nobodyWaits() -> Bool {
        sequences.allSatisfy { $0.work.isCancelled || $0.work.deadline.hasPassed }
    }
}

extension MartletError {
    static let deadlinePassed = MartletError(.deadlineExceeded, "the deadline passed before the answer was ready")
}
