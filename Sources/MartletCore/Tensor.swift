/// Element types a weights file may hold. Raw values are what stands in the file's table.
package enum ElementType: UInt8, Sendable, CaseIterable {
    case float32 = 1
    case int8 = 2

    package var byteCount: Int {
        switch self {
        case .float32: 4
        case .int8: 1
        }
    }
}

/// A read-only, row-major view of one tensor.
///
/// `bytes` starts at a 64-byte boundary and holds exactly the product of `shape` times the element's size; whoever
/// makes a `Tensor` has checked both.
package struct Tensor: @unchecked Sendable {  // safe: the bytes are never written again and `owner` keeps them mapped
    package let name: String
    package let elementType: ElementType
    package let shape: [Int]
    package let bytes: UnsafeRawBufferPointer
    /// Keeps `bytes` alive.
    package let owner: AnyObject

    package init(
        name: String, elementType: ElementType, shape: [Int], bytes: UnsafeRawBufferPointer, owner: AnyObject
    ) {
        self.name = name
        self.elementType = elementType
        self.shape = shape
        self.bytes = bytes
        self.owner = owner
    }
}

/// Where an encoder gets its tensors from: a version folder, or a model folder being converted.
package protocol TensorSource: Sendable {
    /// Nil when there is no tensor of that name.
    func tensor(named name: String) -> Tensor?
}
