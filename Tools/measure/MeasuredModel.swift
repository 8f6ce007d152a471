import MartletCore
import MartletEncoder
import MartletTestSupport

/// The encoders that are measured, with random weights: time does not depend on the values.
enum MeasuredModel: String, CaseIterable {
    /// all-MiniLM-L6-v2: 6 layers of 384.
    case minilm
    /// BERT-base: 12 layers of 768.
    case base

    var configuration: EncoderConfiguration {
        var configuration = EncoderConfiguration(
            hiddenSize: 384, layers: 6, heads: 12, intermediateSize: 1536, vocabularySize: 30_522, maxPositions: 512,
            tokenTypes: 2, layerNormEpsilon: 1e-12, activation: .gelu, labels: 2)
        if self == .base {
            configuration.hiddenSize = 768
            configuration.layers = 12
            configuration.intermediateSize = 3072
        }
        return configuration
    }

    /// With an input scale wherever a converted model may have one.
    func load(precision: ElementType, level: CPULevel?) throws(MartletError) -> EncoderModel {
        try EncoderModel(
            configuration: configuration,
            tensors: RandomWeights(configuration, precision: precision, seed: 1, smooth: precision == .int8),
            kernels: KernelTable.best(atMost: level))
    }
}

extension EncoderConfiguration {
    /// All multiply-adds of a full encoder over the batch, attention included: also those that a classifier's last
    /// layer saves, so that the share of the peak compares with engines that compute them.
    func macs(of batch: PackedBatch) -> Double {
        let hidden = Double(hiddenSize), inner = Double(intermediateSize)
        let squares = (0..<batch.sequences).reduce(0.0) {
            let length = Double(batch.offsets[$1 + 1] - batch.offsets[$1])
            return $0 + length * length
        }
        let linear = Double(batch.rows) * (4 * hidden * hidden + 2 * hidden * inner)
        return Double(layers) * (linear + 2 * squares * hidden)
    }
}
