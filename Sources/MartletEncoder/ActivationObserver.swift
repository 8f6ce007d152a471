/// A linear layer of the encoder, named by what it reads.
package enum LinearSite: Hashable, Sendable {
    /// Query, key and value projection of a layer; reads the residual stream.
    case qkv(layer: Int)
    /// Output projection of a layer's attention; reads the attention's context.
    case attentionOutput(layer: Int)
    /// First feed-forward projection of a layer.
    case intermediate(layer: Int)
    /// Second feed-forward projection of a layer; reads the activation's output.
    case output(layer: Int)

    /// Name of the layer's tensors, without `.weight`.
    package var tensorName: String {
        switch self {
        case .qkv(let layer): "encoder.layer.\(layer).attention.self.qkv"
        case .attentionOutput(let layer): "encoder.layer.\(layer).attention.output.dense"
        case .intermediate(let layer): "encoder.layer.\(layer).intermediate.dense"
        case .output(let layer): "encoder.layer.\(layer).output.dense"
        }
    }
}

/// Rows that a linear layer is about to read; valid during the call that hands them over.
package struct ActivationRows {
    let base: UnsafePointer<Float>
    let stride: Int
    package let rows: Int
    package let channels: Int

    /// Row `index` of `channels` values.
    package subscript(row index: Int) -> UnsafeBufferPointer<Float> {
        precondition((0..<rows).contains(index), "row \(index) of \(rows)")
        return UnsafeBufferPointer(start: base + index * stride, count: channels)
    }
}

/// Sees what each linear layer reads while a batch runs: for calibration.
///
/// In the last layer only the first row of each sequence goes through `attentionOutput`, `intermediate` and `output`,
/// since the head reads no other.
package protocol ActivationObserver: AnyObject {
    func observe(_ site: LinearSite, _ rows: ActivationRows)
}

/// Largest absolute value of every input channel of every linear layer (SmoothQuant calibration).
package final class ChannelMaxima: ActivationObserver {
    private var maxima: [LinearSite: [Float]] = [:]

    package init() {}

    /// Nil until the site was observed.
    package func maxima(of site: LinearSite) -> [Float]? { maxima[site] }

    package func observe(_ site: LinearSite, _ rows: ActivationRows) {
        var channels = maxima.removeValue(forKey: site) ?? [Float](repeating: 0, count: rows.channels)
        for index in 0..<rows.rows {
            let row = rows[row: index]
            for channel in 0..<min(channels.count, row.count) where abs(row[channel]) > channels[channel] {
                channels[channel] = abs(row[channel])
            }
        }
        maxima[site] = channels
    }
}
