internal import CMartletKernels
package import MartletCore

extension EncoderModel {
    /// Runs the encoder over one packed batch.
    ///
    /// Allocates nothing when `logits` has room for `batch.sequences * labels` more values.
    /// - Parameters:
    ///   - batch: at least one sequence, each of 1 to `maxPositions` tokens.
    ///   - scratch: made by this model; in use by this call alone.
    ///   - observer: sees every linear layer's input; float32 weights only.
    ///   - isCancelled: asked between layers.
    ///   - logits: receives [sequences, labels], row-major, before softmax; untouched when the call throws.
    /// - Throws: `.invalidArgument` for an empty batch, a sequence without tokens or with too many, or an id outside
    ///   its table; `.cancelled` when `isCancelled` said so.
    package func run(
        _ batch: PackedBatch, scratch: EncoderScratch, observer: (any ActivationObserver)? = nil,
        isCancelled: () -> Bool = { false }, logits: inout [Float]
    ) throws(MartletError) {
        try check(batch)
        let first = logits.count
        var sequence = 0
        while sequence < batch.sequences {
            let start = sequence
            let firstRow = batch.offsets[start]
            repeat { sequence += 1 } while sequence < batch.sequences
                && batch.offsets[sequence + 1] - firstRow <= scratch.rows
            do throws(MartletError) {
                let pass = EncoderPass(model: self, scratch: scratch, batch: batch, sequences: start..<sequence)
                try pass.run(observer: observer, isCancelled: isCancelled, logits: &logits)
            } catch {
                logits.removeLast(logits.count - first)
                throw error
            }
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
