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
    private var logits: [Float] = []

    init(team: any ComputeTeam) { self.team = team }

    func run(_ works: [InferenceWork]) {
        for work in works {
            switch work.payload {
            case .text(let input, let overflow, let number):
                addText(input, overflow: overflow, number: number, work: work)
            case .window(let ids):
                add(
                    ids, typeIDs: Array(repeating: 0, count: ids.count), total: ids.count, work: work, tokenize: .zero)
            }
        }
        flush()
    }

    private func addText(_ input: TextInput, overflow: OverflowPolicy, number: Int, work: InferenceWork) {
        guard !work.isCancelled else { return }
        let model = work.model
        let start = ContinuousClock.now
        // The common case needs no offsets: ids alone are several times cheaper.
        if input.pair == nil {
            var ids = [model.tokenizer.clsID]
            model.tokenizer.tokenIDs(input.text, into: &ids)
            ids.append(model.tokenizer.sepID)
            if ids.count <= model.maxTokens {
                add(
                    ids, typeIDs: Array(repeating: 0, count: ids.count), total: ids.count, work: work,
                    tokenize: start.duration(to: .now))
                return
            }
        }
        let side: TruncationSide = overflow == .truncateLeft ? .left : .right
        let encoding = model.tokenizer.encode(input, tokensMax: model.maxTokens, cutting: side)
        if encoding.isTruncated, overflow == .error || overflow == .window {
            work.refuse(
                MartletError(
                    .invalidArgument,
                    "inputs[\(number)] has \(encoding.tokensTotal) tokens and \(model.maxTokens) is the model's limit; "
                        + "set overflow to truncate or window, or send it with ClassifyDocument"))
            return
        }
        add(
            encoding.ids, typeIDs: encoding.typeIDs, total: encoding.tokensTotal, work: work,
            tokenize: start.duration(to: .now))
    }

    private func add(_ ids: [Int32], typeIDs: [Int32], total: Int, work: InferenceWork, tokenize: Duration) {
        guard !work.isCancelled else { return }
        let model = work.model
        // Looked at here, one by one: what the encoder refuses fails its whole batch, other callers' texts too.
        guard ids.count <= model.maxTokens, (typeIDs.max() ?? 0) < model.tokenTypes else {
            work.refuse(
                MartletError(
                    .invalidArgument,
                    "inputs[\(work.payload.number)]: this model reads \(model.maxTokens) tokens of \(model.tokenTypes) types, "
                        + "too few for " + ((typeIDs.max() ?? 0) > 0 ? "a pair; send one text" : "any text")))
            return
        }
        if batch.rows > 0, batch.rows + ids.count > model.rowsMax { flush() }
        batch.append(ids: ids, typeIDs: typeIDs)
        sequences.append(Sequence(work: work, tokensRead: ids.count, tokensTotal: total, tokenize: tokenize))
    }

    /// Encodes what is packed and answers it.
    private func flush() {
        defer {
            batch.removeAll(keepingCapacity: true)
            sequences.removeAll(keepingCapacity: true)
            logits.removeAll(keepingCapacity: true)
        }
        guard let model = sequences.first?.work.model else { return }
        let start = ContinuousClock.now
        do {
            try model.withScratch { scratch throws(MartletError) in
                try model.encoder.run(
                    batch, scratch: scratch, team: team, isCancelled: nobodyWaits, results: &logits)
            }
        } catch {
            for sequence in sequences {
                sequence.work.refuse(sequence.work.deadline.hasPassed ? .deadlinePassed : error)
            }
            return
        }
        let compute = start.duration(to: .now)
        let labels = model.head.labels.count
        for (number, sequence) in sequences.enumerated() {
            let answer = SequenceAnswer(
                logits: Array(logits[number * labels..<(number + 1) * labels]), tokensRead: sequence.tokensRead,
                tokensTotal: sequence.tokensTotal, queue: sequence.work.submitted.duration(to: start) - sequence.tokenize,
                tokenize: sequence.tokenize, compute: compute)
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
