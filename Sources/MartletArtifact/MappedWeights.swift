package import MartletCore

/// The tensors of a verified weights file, read from sealed memory.
///
/// Every tensor keeps the memory alive; it returns to the system when the last one goes.
package final class MappedWeights: TensorSource {
    package let table: WeightsTable
    private let tensors: [String: Tensor]

    /// Checks everything WEIGHTS.md lists: table, padding, checksums, values.
    /// - Parameter checkpoint: called for each tensor; throws to end the checks.
    init(
        _ memory: SealedBytes, file: String, limits: Limits, checkpoint: () throws(MartletError) -> Void = {}
    ) throws(MartletError) {
        let table = try WeightsTable(parsing: memory.bytes, file: file, limits: limits)
        var tensors: [String: Tensor] = [:]
        for entry in table.entries {
            try checkpoint()
            let bytes = UnsafeRawBufferPointer(
                rebasing: memory.bytes[entry.offset..<(entry.offset + entry.byteCount)])
            let sum = crc32OfBytes(bytes)
            guard sum == entry.crc else {
                throw .refused(
                    file, "tensor \(quoted(entry.name)) has CRC-32 \(sum), expected \(entry.crc)", code: .dataLoss)
            }
            tensors[entry.name] = Tensor(
                name: entry.name, elementType: entry.elementType, shape: entry.shape, bytes: bytes, owner: memory)
        }
        for entry in table.entries {
            guard let tensor = tensors[entry.name] else { continue }
            try checkpoint()
            try MappedWeights.checkValues(of: tensor, file: file)
        }
        self.table = table
        self.tensors = tensors
    }

    package func tensor(named name: String) -> Tensor? { tensors[name] }

    /// Values that would poison every answer: NaN, infinities, scales that are zero or negative, and -128.
    static func checkValues(of tensor: Tensor, file: String) throws(MartletError) {
        switch tensor.elementType {
        case .int8:
            // One pass without a branch per element.
            let lowest = tensor.bytes.bindMemory(to: Int8.self).reduce(into: Int8(0)) { $0 = min($0, $1) }
            guard lowest > Int8.min else {
                throw .refused(file, "tensor \(quoted(tensor.name)) holds -128, expected -127 to 127")
            }
        case .float32:
            let values = tensor.bytes.bindMemory(to: Float.self)
            let isScale = tensor.name.hasSuffix(".scale") || tensor.name.hasSuffix(".input_scale")
            // Exponent bits all ones: NaN or infinity.
            let worst = values.reduce(into: UInt32(0)) { $0 = max($0, $1.bitPattern & 0x7F80_0000) }
            guard worst < 0x7F80_0000 else {
                let place = values.firstIndex { !$0.isFinite } ?? 0
                throw .refused(
                    file, "tensor \(quoted(tensor.name)) holds \(values[place]) at element \(place), expected finite "
                        + "numbers")
            }
            if isScale, let place = values.firstIndex(where: { $0 <= 0 }) {
                throw .refused(
                    file,
                    "tensor \(quoted(tensor.name)) holds \(values[place]) at element \(place); scales are above 0")
            }
        }
    }
}
