import MartletCore

/// Weights of a given shape drawn from a seed: for timing, where values do not matter.
final class EncoderRandomWeights: TensorSource, @unchecked Sendable {  // safe: filled in init, read only after
    private var tensors: [String: Tensor] = [:]
    private var state: UInt64

    init(_ configuration: EncoderConfiguration, precision: ElementType, seed: UInt64 = 1) {
        state = seed
        let hidden = configuration.hiddenSize, inner = configuration.intermediateSize
        addLinear("embeddings.word_embeddings", [configuration.vocabularySize, hidden], precision, bias: false)
        addFloats(
            "embeddings.position_embeddings.weight", [configuration.maxPositions, hidden], around: 0, spread: 0.05)
        addFloats(
            "embeddings.token_type_embeddings.weight", [configuration.tokenTypes, hidden], around: 0, spread: 0.05)
        addNorm("embeddings.LayerNorm", hidden)
        for layer in 0..<configuration.layers {
            let prefix = "encoder.layer.\(layer)"
            addLinear(prefix + ".attention.self.qkv", [3 * hidden, hidden], precision)
            addLinear(prefix + ".attention.output.dense", [hidden, hidden], precision)
            addNorm(prefix + ".attention.output.LayerNorm", hidden)
            addLinear(prefix + ".intermediate.dense", [inner, hidden], precision)
            addLinear(prefix + ".output.dense", [hidden, inner], precision)
            addNorm(prefix + ".output.LayerNorm", hidden)
        }
        addLinear("pooler.dense", [hidden, hidden], .float32)
        addLinear("classifier", [configuration.labels, hidden], .float32)
    }

    func tensor(named name: String) -> Tensor? { tensors[name] }

    private func next() -> UInt64 {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return state >> 33
    }

    private func addLinear(_ name: String, _ shape: [Int], _ precision: ElementType, bias: Bool = true) {
        switch precision {
        case .float32:
            addFloats(name + ".weight", shape, around: 0, spread: 0.05)
        case .int8:
            let bytes = UnsafeMutableRawBufferPointer.allocate(byteCount: shape.reduce(1, *), alignment: 64)
            for index in 0..<bytes.count { bytes[index] = UInt8(bitPattern: Int8(Int(next() % 255) - 127)) }
            add(name + ".weight", .int8, shape, bytes)
            addFloats(name + ".weight.scale", [shape[0]], around: 0.0004, spread: 0.0001)
        }
        if bias { addFloats(name + ".bias", [shape[0]], around: 0, spread: 0.02) }
    }

    private func addNorm(_ name: String, _ size: Int) {
        addFloats(name + ".weight", [size], around: 1, spread: 0.1)
        addFloats(name + ".bias", [size], around: 0, spread: 0.1)
    }

    private func addFloats(_ name: String, _ shape: [Int], around: Float, spread: Float) {
        let count = shape.reduce(1, *)
        let bytes = UnsafeMutableRawBufferPointer.allocate(byteCount: count * 4, alignment: 64)
        let values = bytes.bindMemory(to: Float.self)
        for index in 0..<count { values[index] = around + spread * (Float(next() % 2001) / 1000 - 1) }
        add(name, .float32, shape, bytes)
    }

    private func add(_ name: String, _ type: ElementType, _ shape: [Int], _ bytes: UnsafeMutableRawBufferPointer) {
        tensors[name] = Tensor(
            name: name, elementType: type, shape: shape, bytes: UnsafeRawBufferPointer(bytes), owner: Owner(bytes))
    }

    private final class Owner {
        let bytes: UnsafeMutableRawBufferPointer
        init(_ bytes: UnsafeMutableRawBufferPointer) { self.bytes = bytes }
        deinit { bytes.deallocate() }
    }
}
