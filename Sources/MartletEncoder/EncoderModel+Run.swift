internal import CMartletKernels
package import MartletCore

extension EncoderModel {
    /// Runs the encoder over one packed batch.
    ///
    /// Allocates nothing of a batch's size when `results` has room for `batch.sequences` more rows.
    /// - Parameters:
    ///   - batch: at least one sequence, each of 1 to `maxPositions` tokens.
    ///   - output: what is wanted of the last hidden states.
    ///   - scratch: made by this model; in use by this call alone.
    ///   - team: threads that help with a batch of more than a few rows; up to `scratch`'s number of members. The bits
    ///     of the results do not depend on it.
    ///   - observer: sees every linear layer's input; float32 weights only, and no team.
    ///   - profile: told where the calling thread's time goes; no team.
    ///   - isCancelled: asked between layers.
    ///   - results: receives [sequences, labels], [sequences, hidden] or [rows, hidden], row-major, as `output` says;
    ///     untouched when the call throws.
    /// - Throws: `.invalidArgument` for an empty batch, a sequence without tokens or with too many, or an id outside
    ///   its table; `.failedPrecondition` for the logits of an encoder without a head; `.cancelled` when `isCancelled`
    ///   said so.
    package func run(
        _ batch: PackedBatch, output: EncoderOutput = .logits, scratch: EncoderScratch,
        team: (any ComputeTeam)? = nil, observer: (any ActivationObserver)? = nil, profile: EncoderProfile? = nil,
        isCancelled: () -> Bool = { false }, results: inout [Float]
    ) throws(MartletError) {
        try check(batch)
        guard output != .logits || plan.head != nil else {
            throw MartletError(.failedPrecondition, "the model is an encoder without a head, and gives no logits")
        }
        let width = output == .logits ? configuration.labels : configuration.hiddenSize
        let first = results.count
        results.append(
            contentsOf: repeatElement(0, count: (output == .hiddenStates ? batch.rows : batch.sequences) * width))
        let team = observer == nil && profile == nil ? team : nil
        let failure = results.withUnsafeMutableBufferPointer { results -> MartletError? in
            guard let results = results.baseAddress else { return nil }
            do throws(MartletError) {
                var sequence = 0
                while sequence < batch.sequences {
                    let start = sequence
                    let firstRow = batch.offsets[start]
                    repeat { sequence += 1 } while sequence < batch.sequences
                        && batch.offsets[sequence + 1] - firstRow <= scratch.rows
                    let pass = EncoderPass(
                        model: self, scratch: scratch, batch: batch, sequences: start..<sequence, output: output,
                        results: results + first + (output == .hiddenStates ? firstRow : start) * width,
                        observer: observer, profile: profile)
                    try pass.run(team: team, isCancelled: isCancelled)
                }
                return nil
            } catch {
                return error
            }
        }
        if let failure {
            results.removeLast(results.count - first)
            throw failure
        }
    }

    private func check(_ batch: PackedBatch) throws(MartletError) {
        guard batch.sequences > 0 else { throw MartletError(.invalidArgument, "the batch holds no sequence") }
        for sequence in 0..<batch.sequences {
            let length = batch.offsets[sequence + 1] - batch.offsets[sequence]
            guard (1...configuration.maxPositions).contains(length) else {
                throw MartletError(
                    .invalidArgument,
                    "sequence \(sequence) has \(length) tokens; the model reads 1 to \(configuration.maxPositions)")
            }
        }
        let words = Int32(clamping: configuration.vocabularySize), types = Int32(clamping: configuration.tokenTypes)
        for row in 0..<batch.rows {
            guard batch.ids[row] >= 0, batch.ids[row] < words else {
                throw MartletError(
                    .invalidArgument, "token id \(batch.ids[row]) at row \(row) is outside the vocabulary of \(words)")
            }
            guard batch.typeIDs[row] >= 0, batch.typeIDs[row] < types else {
                throw MartletError(
                    .invalidArgument,
                    "token type \(batch.typeIDs[row]) at row \(row) is outside the \(types) of the model")
            }
        }
    }
}
