internal import CMartletKernels
internal import MartletCore

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#elseif canImport(Darwin)
    internal import Darwin
#endif

/// What one encoder layer needs, in the order it is used.
struct LayerPlan {
    /// Multiplies what `queryKeyValue` reads, [hidden]; nil without SmoothQuant.
    let queryKeyValueInputScale: UnsafePointer<Float>?
    /// Queries, keys and values side by side, each in columns of its own panels. Queries are scaled by
    /// log2(e) / sqrt(head size), so that softmax is a power of two.
    var queryKeyValue: LinearLayer
    var attentionOutput: LinearLayer
    let attentionNorm: NormPlan
    /// Multiplies what `intermediate` reads, [hidden].
    let intermediateInputScale: UnsafePointer<Float>?
    var intermediate: LinearLayer
    /// Multiplies the activation's output, [intermediate].
    let outputInputScale: UnsafePointer<Float>?
    var output: LinearLayer
    let outputNorm: NormPlan
}

struct NormPlan {
    let gamma: UnsafePointer<Float>
    let beta: UnsafePointer<Float>
}

/// Pooler and classifier, in floats at any precision.
struct HeadPlan {
    let pooler: LinearLayer
    let classifier: LinearLayer
}

/// A whole model packed for the kernels: every pointer leads into `arena`.
struct EncoderPlan {
    let embeddings: martlet_embeddings
    let embeddingNorm: NormPlan
    let layers: [LayerPlan]
    /// Nil for an encoder alone.
    let head: HeadPlan?
    let activation: martlet_activation
    let precision: ElementType
    let arena: AlignedArena

    init(_ configuration: EncoderConfiguration, _ tensors: any TensorSource) throws(MartletError) {
        try configuration.checkForEncoder()
        let hidden = configuration.hiddenSize
        let first = LinearSite.qkv(layer: 0).tensorName + ".weight"
        precision = tensors.tensor(named: first)?.elementType ?? .int8
        let words = tensors.tensor(named: "embeddings.word_embeddings.weight")?.elementType ?? precision
        arena = AlignedArena(
            blockBytes: Self.layerBytes(configuration, precision: precision)
                + Self.embeddingBytes(configuration, words: words))
        let packer = WeightPacker(tensors: tensors, arena: arena)

        embeddings = try Self.embeddings(configuration, packer)
        embeddingNorm = try Self.norm("embeddings.LayerNorm", hidden, packer)
        var layers: [LayerPlan] = []
        for layer in 0..<configuration.layers {
            layers.append(try Self.layer(layer, configuration, precision, packer))
        }
        for index in layers.indices {
            layers[index].queryKeyValue = layers[index].queryKeyValue.followed(by: layers[index].attentionOutput)
            layers[index].attentionOutput = layers[index].attentionOutput.followed(by: layers[index].intermediate)
            layers[index].intermediate = layers[index].intermediate.followed(by: layers[index].output)
            guard index + 1 < layers.count else { continue }
            layers[index].output = layers[index].output.followed(by: layers[index + 1].queryKeyValue)
        }
        self.layers = layers
        head =
            configuration.labels == 0
            ? nil
            : HeadPlan(
                pooler: try packer.linear("pooler.dense", outputs: hidden, inputs: hidden, precision: .float32),
                classifier: try packer.linear(
                    "classifier", outputs: configuration.labels, inputs: hidden, precision: .float32))
        activation =
            switch configuration.activation {
            case .gelu: MARTLET_GELU_ERF
            case .geluTanh: MARTLET_GELU_TANH
            case .relu: MARTLET_RELU
            }
    }

    private static func norm(_ name: String, _ size: Int, _ packer: WeightPacker) throws(MartletError) -> NormPlan {
        NormPlan(
            gamma: try packer.vector(name + ".weight", count: size),
            beta: try packer.vector(name + ".bias", count: size))
    }

    private static func layer(
        _ index: Int, _ configuration: EncoderConfiguration, _ precision: ElementType, _ packer: WeightPacker
    ) throws(MartletError) -> LayerPlan {
        let hidden = configuration.hiddenSize, inner = configuration.intermediateSize
        let prefix = "encoder.layer.\(index)"
        let qkv = LinearSite.qkv(layer: index).tensorName
        let intermediate = LinearSite.intermediate(layer: index).tensorName
        let output = LinearSite.output(layer: index).tensorName
        let scale = Float(log2(exp(1.0)) / Double(hidden / configuration.heads).squareRoot())
        let queryKeyValueScale = try packer.inputScale(qkv, inputs: hidden)
        let intermediateScale = try packer.inputScale(intermediate, inputs: hidden)
        guard precision == .int8 || (queryKeyValueScale == nil && intermediateScale == nil) else {
            throw MartletError(
                .failedPrecondition, "tensors \(prefix).*.input_scale belong to int8 weights, and these are floats")
        }
        return LayerPlan(
            queryKeyValueInputScale: queryKeyValueScale,
            queryKeyValue: try packer.linear(
                qkv, outputs: 3 * hidden, inputs: hidden,
                parts: [
                    .init(rows: 0..<hidden, factor: scale), .init(rows: hidden..<2 * hidden),
                    .init(rows: 2 * hidden..<3 * hidden),
                ], precision: precision),
            attentionOutput: try packer.linear(
                LinearSite.attentionOutput(layer: index).tensorName, outputs: hidden, inputs: hidden,
                precision: precision),
            attentionNorm: try norm(prefix + ".attention.output.LayerNorm", hidden, packer),
            intermediateInputScale: intermediateScale,
            intermediate: try packer.linear(intermediate, outputs: inner, inputs: hidden, precision: precision),
            outputInputScale: try packer.inputScale(output, inputs: inner),
            output: try packer.linear(output, outputs: hidden, inputs: inner, precision: precision),
            outputNorm: try norm(prefix + ".output.LayerNorm", hidden, packer))
    }

    private static func embeddings(
        _ configuration: EncoderConfiguration, _ packer: WeightPacker
    ) throws(MartletError) -> martlet_embeddings {
        let hidden = configuration.hiddenSize
        let name = "embeddings.word_embeddings.weight"
        let shape = [configuration.vocabularySize, hidden]
        let words = try packer.tensor(name, [.int8, .float32], shape: shape)
        var tables = martlet_embeddings(
            words_s8: nil, word_scales: nil, words_f32: nil,
            positions: try table("embeddings.position_embeddings.weight", [configuration.maxPositions, hidden]),
            types: try table("embeddings.token_type_embeddings.weight", [configuration.tokenTypes, hidden]),
            cols: hidden)
        switch words.elementType {
        case .int8:
            tables.words_s8 = try packer.copy(words.bytes.bindMemory(to: Int8.self))
            let scales = try packer.scales(of: name, count: configuration.vocabularySize)
            tables.word_scales = try packer.paddedCopy(scales)
        case .float32:
            tables.words_f32 = try table(name, shape)
        }
        return tables

        func table(_ name: String, _ shape: [Int]) throws(MartletError) -> UnsafePointer<Float> {
            try packer.copy(try packer.floats(name, shape: shape))
        }
    }

    // MARK: Sizes

    /// About the bytes of the linear layers and norms, packed.
    static func layerBytes(_ configuration: EncoderConfiguration, precision: ElementType) -> Int {
        let hidden = configuration.hiddenSize, inner = configuration.intermediateSize
        let weights = configuration.layers * (4 * hidden * hidden + 2 * hidden * inner) * precision.byteCount
        let rest = configuration.layers * 8 * 4 * (inner + 4 * hidden) + 8 * hidden * hidden
        return weights + weights / 32 + rest
    }

    /// Bytes of the three embedding tables.
    /// - Parameter words: element type of the words' table.
    static func embeddingBytes(_ configuration: EncoderConfiguration, words: ElementType) -> Int {
        let scale = words == .int8 ? 4 : 0
        let others = 4 * configuration.hiddenSize * (configuration.maxPositions + configuration.tokenTypes)
        return configuration.vocabularySize * (configuration.hiddenSize * words.byteCount + scale) + others + 512
    }
}

extension EncoderConfiguration {
    /// Refuses sizes that no encoder has or that the kernels cannot count exactly.
    fileprivate func checkForEncoder() throws(MartletError) {
        func require(_ value: Int, _ range: ClosedRange<Int>, _ name: String) throws(MartletError) {
            guard range.contains(value) else {
                throw MartletError(
                    .failedPrecondition,
                    "the configuration's \(name) is \(value), outside \(range.lowerBound)...\(range.upperBound)")
            }
        }
        // 32768 inputs of 255 * 127 stay below 2^31: sums are exact in int32.
        try require(hiddenSize, 1...32_768, "hiddenSize")
        try require(intermediateSize, 1...32_768, "intermediateSize")
        try require(layers, 1...1_024, "layers")
        try require(heads, 1...hiddenSize, "heads")
        try require(vocabularySize, 1...(1 << 24), "vocabularySize")
        try require(maxPositions, 1...(1 << 20), "maxPositions")
        try require(tokenTypes, 1...(1 << 16), "tokenTypes")
        try require(labels, 0...(1 << 20), "labels")
        guard hiddenSize % heads == 0 else {
            throw MartletError(
                .failedPrecondition, "the configuration's hiddenSize \(hiddenSize) is no multiple of heads \(heads)")
        }
        guard layerNormEpsilon.isFinite, layerNormEpsilon > 0 else {
            throw MartletError(.failedPrecondition, "the configuration's layerNormEpsilon must be above zero")
        }
    }
}
