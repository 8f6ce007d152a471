import MartletTestSupport

/// Writes weights files that lie, with every checksum right.
struct WeightsForge {
    struct Entry {
        var name: [UInt8]
        var type: UInt8 = 1
        var dimensions: [UInt64]
        var offset: UInt64
        var byteCount: UInt64
        /// Nil: the right one for the bytes that are there.
        var crc: UInt32?
    }

    var magic = Array("MARTLETW".utf8)
    var version: UInt32 = 1
    var reserved: UInt32 = 0
    var entries: [Entry]
    var count: UInt32?
    var tableBytes: UInt64?
    var fileBytes: UInt64?
    var tableTail: [UInt8] = []
    /// From the first multiple of 64 after the table.
    var data: [UInt8]

    /// One float32 tensor `a` of 16 ones at the first place a tensor may be.
    static var honest: WeightsForge {
        var forge = WeightsForge(
            entries: [Entry(name: Array("a".utf8), dimensions: [16], offset: 0, byteCount: 64)],
            data: (0..<16).flatMap { _ in bytes(Float(1).bitPattern) })
        forge.entries[0].offset = UInt64(forge.dataStart)
        return forge
    }

    static func bytes<Number: FixedWidthInteger>(_ number: Number) -> [UInt8] {
        withUnsafeBytes(of: number.littleEndian) { Array($0) }
    }

    private static func encodedSize(_ entry: Entry) -> Int {
        (24 + 8 * entry.dimensions.count + entry.name.count + 7) / 8 * 8
    }

    var dataStart: Int {
        let table = entries.reduce(tableTail.count) { $0 + Self.encodedSize($1) }
        return (40 + table + 63) / 64 * 64
    }

    var encoded: [UInt8] {
        var table: [UInt8] = []
        for entry in entries {
            table += Self.bytes(UInt16(truncatingIfNeeded: entry.name.count))
            table += [entry.type, UInt8(entry.dimensions.count)]
            table += Self.bytes(entry.crc ?? checksum(of: entry))
            table += Self.bytes(entry.offset) + Self.bytes(entry.byteCount)
            for size in entry.dimensions { table += Self.bytes(size) }
            table += entry.name
            while table.count % 8 != 0 { table.append(0) }
        }
        table += tableTail
        let padding = [UInt8](repeating: 0, count: dataStart - 40 - table.count)
        let size = UInt64(dataStart + data.count)
        var header = magic + Self.bytes(version) + Self.bytes(count ?? UInt32(entries.count))
        header += Self.bytes(tableBytes ?? UInt64(table.count)) + Self.bytes(fileBytes ?? size)
        header += Self.bytes(crc32(header + table)) + Self.bytes(reserved)
        return header + table + padding + data
    }

    private func checksum(of entry: Entry) -> UInt32 {
        guard entry.offset >= UInt64(dataStart) else { return 0 }
        let start = entry.offset - UInt64(dataStart)
        let (end, overflow) = start.addingReportingOverflow(entry.byteCount)
        guard !overflow, end <= UInt64(data.count) else { return 0 }
        return crc32(Array(data[Int(start)..<Int(end)]))
    }
}
