internal import CMartletKernels
internal import MartletCore

/// Everything a run writes to, allocated once: one for each thread that runs a model.
///
/// Not to be used by two runs at once. Made by `EncoderModel.scratch(rowsMax:)` and only good for that model.
package final class EncoderScratch {
    /// Rows that go through the layers together; a larger batch runs as several passes.
    let rows: Int
    /// Rows that go through the linear layers together, so that their activations stay in the second cache level.
    let blockRows: Int
    let hiddenStride: Int
    let keyValueStride: Int
    let innerStride: Int
    let labelStride: Int

    /// Residual stream, [rows][hiddenStride].
    let stream: UnsafeMutablePointer<Float>
    /// Queries, then pooled rows, [rows][hiddenStride].
    let query: UnsafeMutablePointer<Float>
    let keyValue: UnsafeMutablePointer<Float>
    /// Attention output, [rows][hiddenStride].
    let context: UnsafeMutablePointer<Float>
    /// Feed-forward activations of one block, [blockRows][innerStride].
    let inner: UnsafeMutablePointer<Float>
    let logits: UnsafeMutablePointer<Float>
    let attention: UnsafeMutablePointer<Float>
    var quantized: martlet_quantized_rows
    private let arena: AlignedArena

    /// Bytes this scratch holds.
    package var memoryBytes: Int { arena.bytes }

    init(_ configuration: EncoderConfiguration, rows: Int, blockRows: Int) throws(MartletError) {
        self.rows = rows
        self.blockRows = min(rows, blockRows)
        hiddenStride = WeightPacker.padded(configuration.hiddenSize)
        keyValueStride = WeightPacker.padded(2 * configuration.hiddenSize)
        innerStride = WeightPacker.padded(configuration.intermediateSize)
        labelStride = WeightPacker.padded(configuration.labels)
        let workspace = martlet_attention_workspace_floats(
            configuration.maxPositions, configuration.hiddenSize / configuration.heads)
        // A stride that is a multiple of 4096 would put every row of a tile into the same cache set.
        let byteStride = (max(hiddenStride, innerStride) + 63) / 64 * 64 + 64
        let block = self.blockRows
        let floats =
            rows * (3 * hiddenStride + keyValueStride) + block * (innerStride + labelStride) + workspace
        arena = AlignedArena(blockBytes: 4 * floats + block * (byteStride + 8) + 4096)
        stream = try arena.take(rows * hiddenStride)
        query = try arena.take(rows * hiddenStride)
        keyValue = try arena.take(rows * keyValueStride)
        context = try arena.take(rows * hiddenStride)
        inner = try arena.take(block * innerStride)
        logits = try arena.take(block * labelStride)
        attention = try arena.take(workspace)
        quantized = martlet_quantized_rows(
            values: try arena.take(block * byteStride), scales: try arena.take(block), zeros: try arena.take(block),
            stride: byteStride)
    }
}
