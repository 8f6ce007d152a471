internal import Glibc
package import MartletCore

/// Tensors held in memory, in order: what a converter builds and a weights file is written from.
package struct TensorList: TensorSource {
    package private(set) var tensors: [Tensor] = []
    private var places: [String: Int] = [:]

    package init() {}

    package func tensor(named name: String) -> Tensor? { places[name].map { tensors[$0] } }

    /// Adds a tensor, or puts it in the place of the one of its name.
    package mutating func set(_ tensor: Tensor) {
        if let place = places[tensor.name] {
            tensors[place] = tensor
        } else {
            places[tensor.name] = tensors.count
            tensors.append(tensor)
        }
    }

    /// Copies `values` into aligned memory. The product of `shape` must be their count.
    package mutating func set(_ name: String, _ shape: [Int], _ values: [Float]) {
        set(Tensor(copying: values, name: name, elementType: .float32, shape: shape))
    }

    package mutating func set(_ name: String, _ shape: [Int], _ values: [Int8]) {
        set(Tensor(copying: values, name: name, elementType: .int8, shape: shape))
    }
}

/// Memory at a 64-byte boundary, freed with its last reference.
private final class AlignedMemory {
    let base: UnsafeMutableRawPointer

    init(byteCount: Int) {
        base = UnsafeMutableRawPointer.allocate(byteCount: max(byteCount, 1), alignment: WeightsLayout.alignment)
    }

    deinit { base.deallocate() }
}

extension Tensor {
    /// A tensor of its own memory.
    fileprivate init<Element: BitwiseCopyable>(
        copying values: [Element], name: String, elementType: ElementType, shape: [Int]
    ) {
        precondition(shape.reduce(1, *) == values.count, "a tensor has as many values as its shape says")
        let count = values.count * MemoryLayout<Element>.stride
        let memory = AlignedMemory(byteCount: count)
        values.withUnsafeBytes { bytes in
            memory.base.copyMemory(from: bytes.baseAddress ?? UnsafeRawPointer(memory.base), byteCount: count)
        }
        self.init(
            name: name, elementType: elementType, shape: shape,
            bytes: UnsafeRawBufferPointer(start: memory.base, count: count), owner: memory)
    }

    /// The values of a float32 tensor; empty for another type.
    package var floats: UnsafeBufferPointer<Float> {
        elementType == .float32
            ? bytes.bindMemory(to: Float.self) : UnsafeBufferPointer(start: nil, count: 0)
    }
}
