internal import CMartletKernels
internal import MartletCore

/// Everything a run writes to, allocated once: one for each batch that runs at the same time.
///
/// Not to be used by two runs at once. Made by `EncoderModel.scratch(rowsMax:members:)` and only good for that model.
package final class EncoderScratch {
    /// Rows that go through the layers together; a larger batch runs as several passes.
    let rows: Int
    /// Rows that go through the linear layers together, so that their activations stay in the second cache level.
    let blockRows: Int
    let strides: Strides

    /// Residual stream, [rows][hidden].
    let stream: UnsafeMutablePointer<Float>
    /// Queries, keys and values of all rows, of one layer and of the next.
    let projections: [Projections]
    /// What belongs to one thread each.
    let members: [MemberScratch]
    /// The row blocks of the pass at hand.
    var blocks: [RowBlock] = []
    private let arena: AlignedArena

    /// Bytes this scratch holds.
    package var memoryBytes: Int { arena.bytes }

    init(
        _ configuration: EncoderConfiguration, precision: ElementType, rows: Int, blockRows: Int, members: Int
    ) throws(MartletError) {
        let plan = ScratchPlan(configuration, precision: precision, rows: rows, blockRows: min(rows, blockRows))
        self.rows = rows
        self.blockRows = plan.blockRows
        strides = plan.strides
        arena = AlignedArena(blockBytes: plan.bytes(members: members))
        stream = try arena.take(rows * strides.hidden)
        var projections: [Projections] = []
        for _ in 0..<2 { projections.append(try Projections(plan, rows: rows, arena)) }
        self.projections = projections
        var made: [MemberScratch] = []
        for _ in 0..<members { made.append(try MemberScratch(plan, arena)) }
        self.members = made
    }

    /// Bytes of a scratch, before it is made.
    static func bytes(
        _ configuration: EncoderConfiguration, precision: ElementType, rows: Int, blockRows: Int, members: Int
    ) -> Int {
        ScratchPlan(configuration, precision: precision, rows: rows, blockRows: min(rows, blockRows))
            .bytes(members: members)
    }

    /// Floats or bytes from one row to the next.
    struct Strides {
        /// Floats of a row of the stream.
        let hidden: Int
        /// Floats of a feed-forward row.
        let inner: Int
        /// Floats of a row of logits.
        let labels: Int
        /// Bytes of a quantised row.
        let quantized: Int
        /// Bytes of a row of queries, keys or values.
        let heads: Int
    }
}

/// Consecutive rows of a pass that one thread takes through a layer.
struct RowBlock {
    let rows: Range<Int>
    /// The sequence that the first row belongs to.
    let firstSequence: Int
}

/// Queries, keys and values of rows, as bytes or as floats.
enum Projections {
    case int8(martlet_quantized_heads)
    /// [rows][3 * hidden stride].
    case float32(UnsafeMutablePointer<Float>)

    init(_ plan: ScratchPlan, rows: Int, _ arena: AlignedArena) throws(MartletError) {
        switch plan.precision {
        case .float32:
            self = .float32(try arena.take(rows * 3 * plan.strides.hidden))
        case .int8:
            self = .int8(try Self.heads(plan, rows: rows, arena))
        }
    }

    static func heads(
        _ plan: ScratchPlan, rows: Int, _ arena: AlignedArena
    ) throws(MartletError) -> martlet_quantized_heads {
        let heads = plan.configuration.heads, size = plan.configuration.hiddenSize / heads
        let bytes = rows * plan.strides.heads
        // Not a multiple of 4096 bytes: the scales of one row's heads would share one cache set.
        let scaleStride = (rows + 15) / 16 * 16 + 16
        let scales = heads * scaleStride
        return martlet_quantized_heads(
            query: try arena.take(bytes), key: try arena.take(bytes), value: try arena.take(bytes),
            query_scales: try arena.take(scales), key_scales: try arena.take(scales),
            key_offsets: try arena.take(scales), value_logs: try arena.take(scales),
            value_inverses: try arena.take(scales), stride: plan.strides.heads,
            head_bytes: martlet_head_bytes(size), scale_stride: scaleStride, heads: heads, head_size: size)
    }
}

/// Buffers of one thread, for one block of rows at a time.
final class MemberScratch {
    /// First rows on their way through the last layer, [blockRows][hidden].
    let firstRows: UnsafeMutablePointer<Float>
    /// Output of the query, key and value projection, [blockRows][3 * hidden].
    let projected: UnsafeMutablePointer<Float>
    /// Attention output, then pooled rows, [blockRows][hidden].
    let context: UnsafeMutablePointer<Float>
    /// Feed-forward activations, [blockRows][inner].
    let inner: UnsafeMutablePointer<Float>
    let logits: UnsafeMutablePointer<Float>
    /// Of either attention.
    let workspace: UnsafeMutableRawPointer
    var quantized: martlet_quantized_rows
    /// Queries of first rows.
    let queries: Projections

    init(_ plan: ScratchPlan, _ arena: AlignedArena) throws(MartletError) {
        let block = plan.blockRows
        firstRows = try arena.take(block * plan.strides.hidden)
        projected = try arena.take(block * 3 * plan.strides.hidden)
        context = try arena.take(block * plan.strides.hidden)
        inner = try arena.take(block * plan.strides.inner)
        logits = try arena.take(block * plan.strides.labels)
        workspace = UnsafeMutableRawPointer(try arena.take(plan.workspaceBytes, of: UInt8.self))
        quantized = martlet_quantized_rows(
            values: try arena.take(block * plan.strides.quantized), scales: try arena.take(block),
            zeros: try arena.take(block), stride: plan.strides.quantized)
        queries = try Projections(plan, rows: block, arena)
    }
}

/// Sizes of everything in a scratch.
struct ScratchPlan {
    let configuration: EncoderConfiguration
    let precision: ElementType
    let rows: Int
    let blockRows: Int
    let strides: EncoderScratch.Strides
    let workspaceBytes: Int

    init(_ configuration: EncoderConfiguration, precision: ElementType, rows: Int, blockRows: Int) {
        self.configuration = configuration
        self.precision = precision
        self.rows = rows
        self.blockRows = blockRows
        let hidden = WeightPacker.padded(configuration.hiddenSize)
        let inner = WeightPacker.padded(configuration.intermediateSize)
        let headSize = configuration.hiddenSize / configuration.heads
        strides = EncoderScratch.Strides(
            hidden: hidden, inner: inner, labels: WeightPacker.padded(configuration.labels),
            // A stride that is a multiple of 4096 would put every row of a tile into the same cache set.
            quantized: (max(hidden, inner) + 63) / 64 * 64 + 64,
            heads: (configuration.heads * martlet_head_bytes(headSize) + 63) / 64 * 64)
        let length = configuration.maxPositions
        workspaceBytes =
            switch precision {
            case .int8: martlet_attention_s8_workspace_bytes(length, headSize)
            case .float32: 4 * martlet_attention_workspace_floats(length, headSize)
            }
    }

    /// About what the arena will hold.
    func bytes(members: Int) -> Int {
        4 * rows * strides.hidden + 2 * projectionBytes(rows: rows) + members * memberBytes + 4096
    }

    private func projectionBytes(rows: Int) -> Int {
        switch precision {
        case .int8: 3 * rows * strides.heads + 5 * 4 * configuration.heads * (rows + 32) + 8 * AlignedArena.alignment
        case .float32: 4 * rows * 3 * strides.hidden
        }
    }

    private var memberBytes: Int {
        let floats = 5 * strides.hidden + strides.inner + strides.labels
        return blockRows * (4 * floats + strides.quantized + 8) + workspaceBytes + projectionBytes(rows: blockRows)
            + 10 * AlignedArena.alignment
    }
}
