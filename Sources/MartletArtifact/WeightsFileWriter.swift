internal import MartletCore

/// Writes the layout that WEIGHTS.md defines.
enum WeightsFileWriter {
    private static let zeros = [UInt8](repeating: 0, count: WeightsLayout.alignment)

    /// - Parameter write: takes the file's bytes in order.
    static func write(
        _ tensors: [Tensor], write: (UnsafeRawBufferPointer) throws(MartletError) -> Void
    ) throws(MartletError) {
        let head = try header(for: tensors)
        var position = 0
        func put(_ bytes: UnsafeRawBufferPointer) throws(MartletError) {
            try write(bytes)
            position += bytes.count
        }
        func pad() throws(MartletError) {
            let missing = -position & (WeightsLayout.alignment - 1)
            guard missing > 0 else { return }
            try zeros.lendBytes { bytes throws(MartletError) in try put(.init(rebasing: bytes[..<missing])) }
        }
        try head.lendBytes(put)
        for tensor in tensors {
            try pad()
            try put(tensor.bytes)
        }
        try pad()
    }

    /// Header and table.
    static func header(for tensors: [Tensor]) throws(MartletError) -> [UInt8] {
        let file = Manifest.weightsFileName
        var tableBytes = 0
        for tensor in tensors {
            let name = tensor.name.utf8
            guard
                (1...WeightsLayout.nameBytesMax).contains(name.count), name.allSatisfy({ (0x21...0x7E).contains($0) })
            else {
                throw .refused(file, "tensor \(quoted(tensor.name)) has a name that a weights file cannot hold")
            }
            guard (1...WeightsLayout.rankMax).contains(tensor.shape.count) else {
                throw .refused(file, "tensor \(quoted(tensor.name)) has \(tensor.shape.count) dimensions")
            }
            tableBytes += (WeightsLayout.entryFixedBytes + 8 * tensor.shape.count + name.count + 7) & ~7
        }
        var table: [UInt8] = []
        table.reserveCapacity(tableBytes)
        func roundUp(_ value: Int) -> Int { (value + WeightsLayout.alignment - 1) & ~(WeightsLayout.alignment - 1) }
        var offset = roundUp(WeightsLayout.headerBytes + tableBytes)
        for tensor in tensors {
            table.append(number: UInt16(tensor.name.utf8.count))
            table.append(tensor.elementType.rawValue)
            table.append(UInt8(tensor.shape.count))
            table.append(number: crc32OfBytes(tensor.bytes))
            table.append(number: UInt64(offset))
            table.append(number: UInt64(tensor.bytes.count))
            for size in tensor.shape { table.append(number: UInt64(size)) }
            table.append(contentsOf: tensor.name.utf8)
            while table.count % 8 != 0 { table.append(0) }
            offset = roundUp(offset + tensor.bytes.count)
        }
        var header = WeightsLayout.magic
        header.append(number: WeightsLayout.version)
        header.append(number: UInt32(clamping: tensors.count))
        header.append(number: UInt64(tableBytes))
        header.append(number: UInt64(offset))
        let sum = table.withUnsafeBytes { table in
            header.withUnsafeBytes { crc32OfBytes(table, after: crc32OfBytes($0)) }
        }
        header.append(number: sum)
        header.append(number: UInt32(0))
        return header + table
    }
}

extension [UInt8] {
    /// Appends a number in little-endian order.
    mutating func append(number: some FixedWidthInteger) {
        Swift.withUnsafeBytes(of: number.littleEndian) { append(contentsOf: $0) }
    }

    /// `withUnsafeBytes` that keeps the error's type.
    func lendBytes<Result>(
        _ body: (UnsafeRawBufferPointer) throws(MartletError) -> Result
    ) throws(MartletError) -> Result {
        let result: Swift.Result<Result, MartletError> = withUnsafeBytes { bytes in
            do throws(MartletError) {
                return .success(try body(bytes))
            } catch {
                return .failure(error)
            }
        }
        return try result.get()
    }
}
