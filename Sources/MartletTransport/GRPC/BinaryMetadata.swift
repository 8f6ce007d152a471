package import MartletCore

/// Values of metadata whose name ends in `-bin`: base64, several joined by commas.
package enum BinaryMetadata {
    package static func isBinary(_ name: String) -> Bool { name.hasSuffix("-bin") }

    /// - Throws: `.invalidArgument` naming the entry.
    package static func decode(_ value: String, of name: String) throws(MartletError) -> [[UInt8]] {
        var values: [[UInt8]] = []
        for part in value.utf8.split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false) {
            let trimmed = part.trimmingPrefix { $0 == UInt8(ascii: " ") }
            guard let bytes = Base64.decoded(trimmed) else {
                throw MartletError(.invalidArgument, "the value of metadata \(name) is not base64")
            }
            values.append(bytes)
        }
        return values
    }

    /// Unpadded, as the specification wants what is sent.
    package static func encode(_ bytes: [UInt8]) -> String {
        String(decoding: Base64.encoded(bytes, padded: false), as: UTF8.self)
    }
}
