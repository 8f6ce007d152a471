internal import CMartletKernels
package import MartletCore

/// Sum of x xᵀ over rows x: how the inputs of a linear layer vary together, channel by channel.
///
/// The product runs on the float kernel, whose order of sums is the same on every CPU level; so are the bits here.
package final class GramMatrix {
    /// Rows collected before they are multiplied.
    private static let depth = 256

    package let channels: Int
    private let width: Int
    private let kernels: martlet_kernel_table
    private let arena: AlignedArena
    /// [channels][width]
    private let sums: UnsafeMutablePointer<Float>
    /// Collected rows, one a column: [channels][depth].
    private let columns: UnsafeMutablePointer<Float>
    private let packed: UnsafeMutablePointer<Float>
    private let bias: UnsafeMutablePointer<Float>
    private var collected = 0
    private var rowCount = 0

    /// - Throws: `.resourceExhausted` when the system has no memory left.
    package init(channels: Int, kernels table: KernelTable = .best()) throws(MartletError) {
        self.channels = channels
        kernels = table.kernels
        width = WeightPacker.padded(channels)
        arena = AlignedArena(blockBytes: 4 * width * (channels + 2 * Self.depth + 1))
        sums = try arena.take(channels * width)
        columns = try arena.take(channels * Self.depth)
        packed = try arena.take(martlet_packed_f32_floats(channels, Self.depth))
        bias = try arena.take(width)
    }

    /// - Parameter rows: of `channels` values each; others are left out.
    package func add(_ rows: ActivationRows) {
        guard rows.channels == channels else { return }
        for index in 0..<rows.rows {
            let row = rows[row: index]
            for channel in 0..<channels { columns[channel * Self.depth + collected] = row[channel] }
            collected += 1
            rowCount += 1
            if collected == Self.depth { multiply() }
        }
    }

    /// The mean of x xᵀ over all rows, row-major, [channels * channels]; zeros before any row.
    package func mean() -> [Float] {
        if collected > 0 {
            for channel in 0..<channels {
                for place in collected..<Self.depth { columns[channel * Self.depth + place] = 0 }
            }
            multiply()
        }
        let factor = 1 / Float(max(rowCount, 1))
        return [Float](unsafeUninitializedCapacity: channels * channels) { out, filled in
            for row in 0..<channels {
                for column in 0..<channels { out[row * channels + column] = sums[row * width + column] * factor }
            }
            filled = channels * channels
        }
    }

    private func multiply() {
        martlet_pack_f32(packed, columns, channels, Self.depth)
        var linear = martlet_linear_f32(
            weights: packed, bias: bias, depth: Self.depth, panels: width / Int(MARTLET_PANEL_COLS))
        kernels.gemm_f32(sums, width, columns, Self.depth, &linear, channels, MARTLET_ACCUMULATE)
        collected = 0
    }
}
