internal import CZlib
package import MartletCore

/// The checked table of a weights file: every offset lies inside the file, aligned, in order and without gaps.
package struct WeightsTable: Sendable {
    package struct Entry: Sendable, Hashable, Codable {
        package let name: String
        package let elementType: ElementType
        package let shape: [Int]
        package let offset: Int
        package let byteCount: Int
        package let crc: UInt32
    }

    package let entries: [Entry]

    /// Reads and checks header and table.
    /// - Parameter bytes: the whole file.
    init(parsing bytes: UnsafeRawBufferPointer, file: String, limits: Limits) throws(MartletError) {
        let count = bytes.count
        func require(_ holds: Bool, _ problem: @autoclosure () -> String) throws(MartletError) {
            if !holds { throw .refused(file, problem()) }
        }
        try require(
            count >= WeightsLayout.headerBytes,
            "holds \(count) bytes, expected a header of \(WeightsLayout.headerBytes)")
        try require(
            bytes.prefix(8).elementsEqual(WeightsLayout.magic),
            "does not begin with MARTLETW; it is not a weights file")
        let version = bytes.number(at: 8, UInt32.self)
        try require(
            version == WeightsLayout.version,
            "has format version \(version), this program reads \(WeightsLayout.version)")
        let tensors = Int(bytes.number(at: 12, UInt32.self))
        let tableBytes = bytes.number(at: 16, UInt64.self)
        let fileBytes = bytes.number(at: 24, UInt64.self)
        try require(fileBytes == UInt64(count), "says it has \(fileBytes) bytes, it has \(count)")
        try require(bytes.number(at: 36, UInt32.self) == 0, "the header's reserved field is not 0")
        try require(tensors >= 1, "has no tensors")
        try require(tensors <= limits.tensorsMax, "has \(tensors) tensors, the limit is \(limits.tensorsMax)")
        try require(
            tableBytes <= UInt64(limits.weightsTableBytesMax),
            "has a table of \(tableBytes) bytes, the limit is \(limits.weightsTableBytesMax)")
        try require(
            tableBytes <= UInt64(count - WeightsLayout.headerBytes),
            "has a table of \(tableBytes) bytes that ends past the file's \(count)")
        // Both fit Int: they are at most `count`.
        let tableEnd = WeightsLayout.headerBytes + Int(tableBytes)
        let table = UnsafeRawBufferPointer(rebasing: bytes[WeightsLayout.headerBytes..<tableEnd])
        let header = UnsafeRawBufferPointer(rebasing: bytes[..<WeightsLayout.headerCheckedBytes])
        let sum = crc32OfBytes(table, after: crc32OfBytes(header))
        let stated = bytes.number(at: 32, UInt32.self)
        guard sum == stated else {
            throw .refused(file, "header and table have CRC-32 \(sum), expected \(stated)", code: .dataLoss)
        }

        var reader = TableReader(table: table, file: file)
        var entries: [Entry] = []
        entries.reserveCapacity(tensors)
        var names: Set<String> = []
        // tableEnd is at most `count`, far from overflow.
        var expected = WeightsLayout.roundUp(tableEnd, to: WeightsLayout.alignment) ?? count
        var end = tableEnd
        for _ in 0..<tensors {
            let entry = try reader.next()
            try require(names.insert(entry.name).inserted, "tensor \(quoted(entry.name)) is listed twice")
            try require(
                entry.offset % WeightsLayout.alignment == 0,
                "tensor \(quoted(entry.name)) starts at \(entry.offset), expected a multiple of "
                    + "\(WeightsLayout.alignment)")
            try require(
                entry.offset >= end,
                "tensor \(quoted(entry.name)) starts at \(entry.offset), inside what ends at \(end)")
            try require(
                entry.offset == expected,
                "tensor \(quoted(entry.name)) starts at \(entry.offset), expected \(expected): there is a gap")
            let (last, overflow) = entry.offset.addingReportingOverflow(entry.byteCount)
            try require(
                !overflow && last <= count,
                "tensor \(quoted(entry.name)) has \(entry.byteCount) bytes from \(entry.offset), past the file's "
                    + "\(count)")
            try require(
                bytes[end..<entry.offset].allSatisfy { $0 == 0 },
                "the padding before tensor \(quoted(entry.name)) is not zero")
            end = last
            expected = WeightsLayout.roundUp(last, to: WeightsLayout.alignment) ?? Int.max
            entries.append(entry)
        }
        try require(reader.isAtEnd, "the table goes on after its \(tensors) entries")
        try require(count == expected, "holds \(count) bytes, expected \(expected): bytes follow the last tensor")
        try require(bytes[end..<count].allSatisfy { $0 == 0 }, "the padding at the end is not zero")
        self.entries = entries
    }
}

/// Reads entries one after the other; knows nothing of the data they point at.
private struct TableReader {
    let table: UnsafeRawBufferPointer
    let file: String
    var position = 0

    init(table: UnsafeRawBufferPointer, file: String) {
        self.table = table
        self.file = file
    }

    var isAtEnd: Bool { position == table.count }

    mutating func next() throws(MartletError) -> WeightsTable.Entry {
        let left = table.count - position
        guard left >= WeightsLayout.entryFixedBytes else { throw .refused(file, "the table ends inside an entry") }
        let nameBytes = Int(table.number(at: position, UInt16.self))
        let type = table[position + 2]
        let rank = Int(table[position + 3])
        let crc = table.number(at: position + 4, UInt32.self)
        let offset = table.number(at: position + 8, UInt64.self)
        let byteCount = table.number(at: position + 16, UInt64.self)
        guard (1...WeightsLayout.nameBytesMax).contains(nameBytes) else {
            throw .refused(
                file, "a tensor's name has \(nameBytes) bytes, expected 1 to \(WeightsLayout.nameBytesMax)")
        }
        guard (1...WeightsLayout.rankMax).contains(rank) else {
            throw .refused(file, "a tensor has \(rank) dimensions, expected 1 to \(WeightsLayout.rankMax)")
        }
        // At most 24 + 32 + 128 + 7.
        let used = WeightsLayout.entryFixedBytes + 8 * rank + nameBytes
        let padded = (used + 7) & ~7
        guard left >= padded else { throw .refused(file, "the table ends inside an entry") }
        let nameStart = position + WeightsLayout.entryFixedBytes + 8 * rank
        let rawName = table[nameStart..<(nameStart + nameBytes)]
        guard rawName.allSatisfy({ (0x21...0x7E).contains($0) }) else {
            throw .refused(file, "a tensor's name has bytes that are not printable ASCII")
        }
        let name = String(decoding: rawName, as: UTF8.self)
        guard table[(position + used)..<(position + padded)].allSatisfy({ $0 == 0 }) else {
            throw .refused(file, "the padding after the entry of tensor \(quoted(name)) is not zero")
        }
        guard let elementType = ElementType(rawValue: type) else {
            throw .refused(file, "tensor \(quoted(name)) has element type \(type), known are 1 (float32) and 2 (int8)")
        }
        let shape = try shape(rank: rank, at: position + WeightsLayout.entryFixedBytes, name: name)
        let product = try byteProduct(shape, elementType, name: name)
        guard UInt64(product) == byteCount else {
            throw .refused(
                file, "tensor \(quoted(name)) has \(byteCount) bytes, its shape \(shape) needs \(product)")
        }
        guard let start = Int(exactly: offset) else {
            throw .refused(file, "tensor \(quoted(name)) starts at \(offset), past any file")
        }
        position += padded
        return WeightsTable.Entry(
            name: name, elementType: elementType, shape: shape, offset: start, byteCount: product, crc: crc)
    }

    private func shape(rank: Int, at start: Int, name: String) throws(MartletError) -> [Int] {
        var shape: [Int] = []
        for axis in 0..<rank {
            let raw = table.number(at: start + 8 * axis, UInt64.self)
            guard let size = Int(exactly: raw), size >= 1 else {
                throw .refused(
                    file, "tensor \(quoted(name)) has dimension \(Int64(bitPattern: raw)), expected at least 1")
            }
            shape.append(size)
        }
        return shape
    }

    private func byteProduct(_ shape: [Int], _ type: ElementType, name: String) throws(MartletError) -> Int {
        var product = type.byteCount
        for size in shape {
            let (next, overflow) = product.multipliedReportingOverflow(by: size)
            guard !overflow else {
                throw .refused(file, "tensor \(quoted(name)) has shape \(shape), whose size overflows 64 bits")
            }
            product = next
        }
        return product
    }
}

extension ElementType: Codable {
    /// Such as `float32`, in reports.
    package var label: String {
        switch self {
        case .float32: "float32"
        case .int8: "int8"
        }
    }
}

extension UnsafeRawBufferPointer {
    /// A little-endian number at a byte offset that the caller has checked.
    func number<Number: FixedWidthInteger>(at offset: Int, _ type: Number.Type) -> Number {
        Number(littleEndian: loadUnaligned(fromByteOffset: offset, as: type))
    }
}

/// zlib's CRC-32, going on from `sum`.
func crc32OfBytes(_ bytes: UnsafeRawBufferPointer, after sum: UInt32 = 0) -> UInt32 {
    guard let base = bytes.bindMemory(to: UInt8.self).baseAddress else { return sum }
    return UInt32(truncatingIfNeeded: crc32_z(UInt(sum), base, bytes.count))
}
