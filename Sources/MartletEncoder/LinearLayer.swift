internal import CMartletKernels
internal import MartletCore

/// A linear layer packed for the kernels.
enum LinearLayer {
    case int8(martlet_linear_s8)
    case float32(martlet_linear_f32)
}

/// Reads tensors, checks them and packs them into kernel layout.
struct WeightPacker {
    let tensors: any TensorSource
    let arena: AlignedArena

    /// Columns rounded up to a panel, the multiple every row is padded to.
    static func padded(_ columns: Int) -> Int {
        (columns + Int(MARTLET_PANEL_COLS) - 1) / Int(MARTLET_PANEL_COLS) * Int(MARTLET_PANEL_COLS)
    }

    // MARK: Checked tensors

    /// - Throws: `.failedPrecondition` naming the tensor when it is missing or of another type or shape.
    func tensor(_ name: String, _ types: [ElementType], shape: [Int]) throws(MartletError) -> Tensor {
        guard let tensor = tensors.tensor(named: name) else {
            throw MartletError(.failedPrecondition, "the weights have no tensor \(name)")
        }
        guard types.contains(tensor.elementType) else {
            let wanted = types.map { "\($0)" }.joined(separator: " or ")
            throw MartletError(.failedPrecondition, "tensor \(name) is \(tensor.elementType), not \(wanted)")
        }
        guard tensor.shape == shape else {
            throw MartletError(.failedPrecondition, "tensor \(name) has shape \(tensor.shape), not \(shape)")
        }
        let (count, overflow) = shape.reduce((1, false)) { partial, dimension in
            let (product, carried) = partial.0.multipliedReportingOverflow(by: dimension)
            return (product, partial.1 || carried || dimension < 0)
        }
        guard !overflow, tensor.bytes.count / tensor.elementType.byteCount == count, tensor.bytes.baseAddress != nil
        else {
            throw MartletError(.failedPrecondition, "tensor \(name) has \(tensor.bytes.count) bytes for shape \(shape)")
        }
        return tensor
    }

    /// A float tensor with only finite values.
    func floats(_ name: String, shape: [Int]) throws(MartletError) -> UnsafeBufferPointer<Float> {
        let tensor = try tensor(name, [.float32], shape: shape)
        guard Int(bitPattern: tensor.bytes.baseAddress) % MemoryLayout<Float>.alignment == 0 else {
            throw MartletError(.failedPrecondition, "tensor \(name) is not aligned")
        }
        let values = tensor.bytes.bindMemory(to: Float.self)
        // A sum of v * 0 is 0 for finite values and NaN otherwise; unlike a search it needs no branch an element.
        var zero: Float = 0
        for value in values { zero += value * 0 }
        guard zero == 0 else {
            throw MartletError(.failedPrecondition, "tensor \(name) holds a value that is not finite")
        }
        return values
    }

    /// Scales of an int8 tensor: finite and positive.
    func scales(of name: String, count: Int) throws(MartletError) -> UnsafeBufferPointer<Float> {
        let values = try floats(name + ".scale", shape: [count])
        guard values.allSatisfy({ $0 > 0 }) else {
            throw MartletError(.failedPrecondition, "tensor \(name).scale holds a scale that is not above zero")
        }
        return values
    }

    // MARK: Packing

    /// A copy of `values`, each times `factor`, followed by zeros up to a panel.
    func paddedCopy(
        _ values: UnsafeBufferPointer<Float>, factor: Float = 1
    ) throws(MartletError) -> UnsafePointer<Float> {
        let copy = try arena.take(Self.padded(values.count), of: Float.self)
        for index in 0..<values.count { copy[index] = values[index] * factor }
        return UnsafePointer(copy)
    }

    /// A float vector, padded.
    func vector(_ name: String, count: Int) throws(MartletError) -> UnsafePointer<Float> {
        try paddedCopy(try floats(name, shape: [count]))
    }

    /// Rows `rows` (outputs) of the layer `name`, whose weight has shape [outputs, inputs], packed on their own.
    ///
    /// - Parameters:
    ///   - precision: the element type the weight must have.
    ///   - factor: multiplies the layer's output.
    func linear(
        _ name: String, outputs: Int, inputs: Int, rows: Range<Int>, precision: ElementType, factor: Float = 1
    ) throws(MartletError) -> LinearLayer {
        let weight = try tensor(name + ".weight", [precision], shape: [outputs, inputs])
        let bias = try floats(name + ".bias", shape: [outputs])
        let panels = Self.padded(rows.count) / Int(MARTLET_PANEL_COLS)
        let packedBias = try paddedCopy(UnsafeBufferPointer(rebasing: bias[rows]), factor: factor)
        switch precision {
        case .int8:
            let scales = try scales(of: name + ".weight", count: outputs)
            let packed = try arena.take(martlet_packed_s8_bytes(rows.count, inputs), of: Int8.self)
            let sums = try arena.take(Self.padded(rows.count), of: Int32.self)
            let values = weight.bytes.bindMemory(to: Int8.self)
            let source = UnsafeBufferPointer(rebasing: values[(rows.lowerBound * inputs)...])
            if let base = source.baseAddress { martlet_pack_s8(packed, sums, base, rows.count, inputs) }
            return .int8(
                martlet_linear_s8(
                    weights: packed, column_sums: sums,
                    scales: try paddedCopy(UnsafeBufferPointer(rebasing: scales[rows]), factor: factor),
                    bias: packedBias, depth4: (inputs + 3) / 4, panels: panels))
        case .float32:
            let values = try floats(name + ".weight", shape: [outputs, inputs])
            let packed = try arena.take(martlet_packed_f32_floats(rows.count, inputs), of: Float.self)
            let source = UnsafeBufferPointer(rebasing: values[(rows.lowerBound * inputs)...])
            if let base = source.baseAddress { martlet_pack_f32(packed, base, rows.count, inputs) }
            if factor != 1 {
                for index in 0..<martlet_packed_f32_floats(rows.count, inputs) { packed[index] *= factor }
            }
            return .float32(
                martlet_linear_f32(weights: packed, bias: packedBias, depth: inputs, panels: panels))
        }
    }
}
