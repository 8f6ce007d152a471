internal import CMartletKernels
internal import MartletCore

/// A linear layer packed for the kernels.
enum LinearLayer {
    case int8(martlet_linear_s8)
    case float32(martlet_linear_f32)

    /// The same layer, told which one is likely to run next.
    func followed(by other: LinearLayer) -> LinearLayer {
        guard case .int8(var linear) = self, case .int8(let next) = other else { return self }
        linear.next = next.weights
        return .int8(linear)
    }

    /// The layer of some of its output columns, in groups of 32.
    func panels(_ range: Range<Int>) -> LinearLayer {
        let columns = Int(MARTLET_PANEL_COLS)
        let first = range.lowerBound * columns
        switch self {
        case .int8(var linear):
            linear.weights += range.lowerBound * linear.depth4 * 4 * columns
            linear.column_sums += first
            linear.scales += first
            linear.bias += first
            linear.panels = range.count
            return .int8(linear)
        case .float32(var linear):
            linear.weights += first * linear.depth
            linear.bias += first
            linear.panels = range.count
            return .float32(linear)
        }
    }
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

    /// A copy of `values`, followed by zeros up to a panel.
    func paddedCopy(_ values: UnsafeBufferPointer<Float>) throws(MartletError) -> UnsafePointer<Float> {
        let copy = try arena.take(Self.padded(values.count), of: Float.self)
        for index in 0..<values.count { copy[index] = values[index] }
        return UnsafePointer(copy)
    }

    /// A copy that keeps nothing of its source alive.
    func copy<Element: BitwiseCopyable>(
        _ values: UnsafeBufferPointer<Element>
    ) throws(MartletError) -> UnsafePointer<Element> {
        let copy = try arena.take(values.count, of: Element.self)
        if let base = values.baseAddress { copy.update(from: base, count: values.count) }
        return UnsafePointer(copy)
    }

    /// A float vector, padded.
    func vector(_ name: String, count: Int) throws(MartletError) -> UnsafePointer<Float> {
        try paddedCopy(try floats(name, shape: [count]))
    }

    /// Some output rows of a layer that are packed together, times a factor.
    struct Part {
        let rows: Range<Int>
        var factor: Float = 1
    }

    /// The layer `name`, whose weight has shape [outputs, inputs], as one layer of `parts` side by side; every part
    /// begins at a panel of its own.
    ///
    /// - Parameter precision: the element type the weight must have.
    func linear(
        _ name: String, outputs: Int, inputs: Int, parts: [Part], precision: ElementType
    ) throws(MartletError) -> LinearLayer {
        let weight = try tensor(name + ".weight", [precision], shape: [outputs, inputs])
        let bias = try floats(name + ".bias", shape: [outputs])
        let columns = parts.reduce(0) { $0 + Self.padded($1.rows.count) }
        let panels = columns / Int(MARTLET_PANEL_COLS)
        let packedBias = try arena.take(columns, of: Float.self)
        fill(packedBias, from: bias, parts)
        switch precision {
        case .int8:
            let scales = try scales(of: name + ".weight", count: outputs)
            let packedScales = try arena.take(columns, of: Float.self)
            fill(packedScales, from: scales, parts)
            let packed = try arena.take(martlet_packed_s8_bytes(columns, inputs), of: Int8.self)
            let sums = try arena.take(columns, of: Float.self)
            let values = weight.bytes.bindMemory(to: Int8.self)
            forEach(parts) { part, column in
                guard let base = values.baseAddress else { return }
                martlet_pack_s8(
                    packed + martlet_packed_s8_bytes(column, inputs), sums + column,
                    base + part.rows.lowerBound * inputs, part.rows.count, inputs)
            }
            return .int8(
                martlet_linear_s8(
                    weights: packed, column_sums: sums, scales: packedScales, bias: packedBias,
                    depth4: (inputs + 3) / 4, panels: panels, next: nil))
        case .float32:
            let values = try floats(name + ".weight", shape: [outputs, inputs])
            let packed = try arena.take(martlet_packed_f32_floats(columns, inputs), of: Float.self)
            forEach(parts) { part, column in
                guard let base = values.baseAddress else { return }
                let to = packed + martlet_packed_f32_floats(column, inputs)
                martlet_pack_f32(to, base + part.rows.lowerBound * inputs, part.rows.count, inputs)
                guard part.factor != 1 else { return }
                for index in 0..<martlet_packed_f32_floats(part.rows.count, inputs) { to[index] *= part.factor }
            }
            return .float32(
                martlet_linear_f32(weights: packed, bias: packedBias, depth: inputs, panels: panels))
        }
    }

    /// A whole layer.
    func linear(
        _ name: String, outputs: Int, inputs: Int, precision: ElementType
    ) throws(MartletError) -> LinearLayer {
        try linear(name, outputs: outputs, inputs: inputs, parts: [Part(rows: 0..<outputs)], precision: precision)
    }

    /// The scale of each input of the layer `name`, 1 / s of SmoothQuant: multiplied in before the rows are quantised.
    /// Nil when the version has none.
    func inputScale(_ name: String, inputs: Int) throws(MartletError) -> UnsafePointer<Float>? {
        let scaleName = name + ".input_scale"
        guard tensors.tensor(named: scaleName) != nil else { return nil }
        let values = try floats(scaleName, shape: [inputs])
        guard values.allSatisfy({ $0 > 0 }) else {
            throw MartletError(.failedPrecondition, "tensor \(scaleName) holds a scale that is not above zero")
        }
        return try paddedCopy(values)
    }

    /// Calls `body` with each part and the column at which it begins.
    private func forEach(_ parts: [Part], _ body: (_ part: Part, _ column: Int) -> Void) {
        var column = 0
        for part in parts {
            body(part, column)
            column += Self.padded(part.rows.count)
        }
    }

    private func fill(_ out: UnsafeMutablePointer<Float>, from values: UnsafeBufferPointer<Float>, _ parts: [Part]) {
        forEach(parts) { part, column in
            for (index, row) in part.rows.enumerated() { out[column + index] = values[row] * part.factor }
        }
    }
}
