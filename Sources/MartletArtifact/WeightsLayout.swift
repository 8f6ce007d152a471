/// Numbers of the `weights.martlet` layout, version 1. WEIGHTS.md beside this file is the definition.
enum WeightsLayout {
    static let magic: [UInt8] = Array("MARTLETW".utf8)
    static let version: UInt32 = 1
    static let headerBytes = 40
    /// Bytes of the header that its CRC covers; the table follows in the sum.
    static let headerCheckedBytes = 32
    /// Entry without dimensions and name.
    static let entryFixedBytes = 24
    static let alignment = 64
    static let nameBytesMax = 128
    static let rankMax = 4

    /// `value` rounded up to a multiple of `unit`, a power of two; nil on overflow.
    static func roundUp(_ value: Int, to unit: Int) -> Int? {
        let (sum, overflow) = value.addingReportingOverflow(unit - 1)
        return overflow ? nil : sum & ~(unit - 1)
    }
}
