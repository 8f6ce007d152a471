internal import CMartletKernels
package import MartletCore

/// A BERT encoder, with its classification head if it has one, packed for this CPU.
///
/// Turns packed token ids into logits or vectors. A sequence's results have the same bits alone, in any batch, at any
/// place in it and at every `CPULevel`. Linear layers take u8 rows with a scale and a zero point each and s8 weights,
/// or floats when the tensors are floats; so does attention. Everything else is float32.
package final class EncoderModel: @unchecked Sendable {  // safe: nothing is written after init
    package let configuration: EncoderConfiguration
    package let kernels: KernelTable
    let plan: EncoderPlan

    /// Rows of one pass, unless the longest sequence is longer: enough to hide reading the weights, few enough to stay
    /// in the last cache level.
    package static let passRows = 512
    /// Rows of one block: as many as keep their feed-forward activations, as floats and as bytes, in three quarters of
    /// the second cache level. More rows read the weights, and pack a long sequence's keys, less often.
    static func blockRows(_ configuration: EncoderConfiguration) -> Int {
        let rowBytes = 5 * max(1, configuration.intermediateSize)
        return max(48, min(96, martlet_level2_bytes() / 4 * 3 / rowBytes))
    }

    /// Checks every tensor and packs the weights.
    ///
    /// Precision follows the element type of the first layer's weight. Everything is copied: the tensors' memory may go
    /// when this returns.
    /// - Throws: `.failedPrecondition` naming the tensor or the configuration's field at fault;
    ///   `.resourceExhausted` when memory does not suffice.
    package init(
        configuration: EncoderConfiguration, tensors: any TensorSource, kernels: KernelTable
    ) throws(MartletError) {
        self.configuration = configuration
        self.kernels = kernels
        plan = try EncoderPlan(configuration, tensors)
    }

    /// Element type of the linear layers' weights.
    package var precision: ElementType { plan.precision }

    /// Bytes of packed weights and embedding tables: all that a model holds besides its scratches.
    package var memoryBytes: Int { plan.arena.bytes }

    /// About the bytes of packed weights, before a model is there.
    package static func layerBytes(_ configuration: EncoderConfiguration, precision: ElementType) -> Int {
        EncoderPlan.layerBytes(configuration, precision: precision)
    }

    /// The bytes of the embedding tables, before a model is there.
    package static func embeddingBytes(_ configuration: EncoderConfiguration, words: ElementType) -> Int {
        EncoderPlan.embeddingBytes(configuration, words: words)
    }

    /// Buffers for one batch at a time. Batches of any size run with it: what exceeds `rowsMax` runs as several passes.
    ///
    /// - Parameters:
    ///   - rowsMax: rows the caller packs at most; memory is bounded by a few hundred rows or the longest sequence,
    ///     whichever is more.
    ///   - members: threads that may work on one batch, the caller's included.
    /// - Throws: `.resourceExhausted` when memory does not suffice.
    package func scratch(rowsMax: Int, members: Int = 1) throws(MartletError) -> EncoderScratch {
        try EncoderScratch(
            configuration, precision: precision, rows: Self.scratchRows(configuration, rowsMax: rowsMax),
            blockRows: Self.blockRows(configuration), members: max(1, members))
    }

    /// Bytes of such a scratch, before a model is there.
    package static func scratchBytes(
        _ configuration: EncoderConfiguration, precision: ElementType, rowsMax: Int, members: Int = 1
    ) -> Int {
        EncoderScratch.bytes(
            configuration, precision: precision, rows: scratchRows(configuration, rowsMax: rowsMax),
            blockRows: blockRows(configuration), members: max(1, members))
    }

    private static func scratchRows(_ configuration: EncoderConfiguration, rowsMax: Int) -> Int {
        max(configuration.maxPositions, min(rowsMax, passRows))
    }
}
