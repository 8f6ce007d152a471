package import MartletCore

/// Weights of a classifier of any shape drawn from a seed, for tests and for timing;
/// Tools/fixtures/make_encoder_fixtures.py draws the same.
package final class RandomWeights: TensorSource, @unchecked Sendable {  // safe: filled before a model reads it
    private var tensors: [String: Tensor] = [:]
    private var state: UInt64

    package init(_ configuration: EncoderConfiguration, precision: ElementType, seed: UInt64, smooth: Bool = false) {
        state = seed
        let hidden = configuration.hiddenSize, inner = configuration.intermediateSize
        addLinear("embeddings.word_embeddings", [configuration.vocabularySize, hidden], precision, bias: false)
        addFloats("embeddings.position_embeddings.weight", [configuration.maxPositions, hidden], around: 0, spread: 0.1)
        addFloats("embeddings.token_type_embeddings.weight", [configuration.tokenTypes, hidden], around: 0, spread: 0.1)
        addNorm("embeddings.LayerNorm", hidden)
        for layer in 0..<configuration.layers {
            let prefix = "encoder.layer.\(layer)"
            addLinear(prefix + ".attention.self.qkv", [3 * hidden, hidden], precision)
            if smooth, precision == .int8 { addScale(prefix + ".attention.self.qkv", hidden) }
            addLinear(prefix + ".attention.output.dense", [hidden, hidden], precision)
            addNorm(prefix + ".attention.output.LayerNorm", hidden)
            addLinear(prefix + ".intermediate.dense", [inner, hidden], precision)
            if smooth, precision == .int8 { addScale(prefix + ".intermediate.dense", hidden) }
            addLinear(prefix + ".output.dense", [hidden, inner], precision)
            if smooth { addScale(prefix + ".output.dense", inner) }
            addNorm(prefix + ".output.LayerNorm", hidden)
        }
        addLinear("pooler.dense", [hidden, hidden], .float32)
        addLinear("classifier", [configuration.labels, hidden], .float32)
    }

    package func tensor(named name: String) -> Tensor? { tensors[name] }

    package func remove(_ name: String) { tensors[name] = nil }

    /// Puts a float tensor in the place of what was there.
    package func replace(_ name: String, shape: [Int], with values: [Float]) {
        let bytes = UnsafeMutableRawBufferPointer.allocate(byteCount: max(1, values.count * 4), alignment: 64)
        bytes.copyBytes(from: values.withUnsafeBytes { Array($0) })
        let exact = UnsafeMutableRawBufferPointer(rebasing: bytes[0..<values.count * 4])
        add(name, .float32, shape, exact)
    }

    private func next() -> UInt64 {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return state >> 33
    }

    private func addLinear(_ name: String, _ shape: [Int], _ precision: ElementType, bias: Bool = true) {
        switch precision {
        case .float32:
            addFloats(name + ".weight", shape, around: 0, spread: 0.2)
        case .int8:
            let bytes = UnsafeMutableRawBufferPointer.allocate(byteCount: shape.reduce(1, *), alignment: 64)
            for index in 0..<bytes.count { bytes[index] = UInt8(bitPattern: Int8(Int(next() % 255) - 127)) }
            add(name + ".weight", .int8, shape, bytes)
            addFloats(name + ".weight.scale", [shape[0]], around: 0.0016, spread: 0.0004)
        }
        if bias { addFloats(name + ".bias", [shape[0]], around: 0, spread: 0.1) }
    }

    private func addScale(_ name: String, _ size: Int) {
        addFloats(name + ".input_scale", [size], around: 1, spread: 0.5)
    }

    private func addNorm(_ name: String, _ size: Int) {
        addFloats(name + ".weight", [size], around: 1, spread: 0.2)
        addFloats(name + ".bias", [size], around: 0, spread: 0.2)
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
