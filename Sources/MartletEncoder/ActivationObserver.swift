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

    /// Every linear layer of an encoder that can run in 8 bits.
    package static func all(layers: Int) -> [LinearSite] {
        (0..<layers).flatMap { layer -> [LinearSite] in
            [.qkv(layer: layer), .attentionOutput(layer: layer), .intermediate(layer: layer), .output(layer: layer)]
        }
    }

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

    /// - Parameters:
    ///   - base: first value of the first row; stays valid while this value is used.
    ///   - stride: floats from one row to the next, at least `channels`.
    package init(base: UnsafePointer<Float>, stride: Int, rows: Int, channels: Int) {
        self.base = base
        self.stride = stride
        self.rows = rows
        self.channels = channels
    }

    /// Row `index` of `channels` values.
    package subscript(row index: Int) -> UnsafeBufferPointer<Float> {
        precondition((0..<rows).contains(index), "row \(index) of \(rows)")
        return UnsafeBufferPointer(start: base + index * stride, count: channels)
    }
}

/// Sees what each linear layer reads while a batch runs: for calibration.
///
/// When logits are wanted, only the first row of each sequence goes through `attentionOutput`, `intermediate` and
/// `output` of the last layer, since the head reads no other.
package protocol ActivationObserver: AnyObject {
    func observe(_ site: LinearSite, _ rows: ActivationRows)
}
