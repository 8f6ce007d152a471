internal import MartletArtifact
package import MartletCore

/// A safetensors file: eight bytes of header length, a JSON header, then the tensors' bytes.
///
/// The header is believed only after every offset was checked: tensors follow each other without gap or overlap and
/// cover the whole rest of the file, as the format demands.
package struct SafetensorsFile: Sendable {
    /// What the format's own reader allows.
    package static let headerBytesMax = 100 << 20

    package struct Entry: Sendable, Hashable {
        package let name: String
        /// As in the header, such as `F32`.
        package let type: String
        package let shape: [Int]
        /// Product of `shape`.
        package let count: Int
        /// In bytes from the start of the file.
        let offset: Int
    }

    package let name: String
    /// In the order of the data.
    package let entries: [Entry]
    private let file: SourceFile

    package init(_ name: String, in folder: SourceFolder, limits: Limits = Limits()) throws(MartletError) {
        let file = try SourceFile(name, in: folder)
        self.name = name
        self.file = file
        guard file.byteCount >= 8 else {
            throw .source(name, "has \(file.byteCount) bytes, too few for a safetensors header")
        }
        let length = try file.read(at: 0, count: 8).lend { $0.loadUnaligned(as: UInt64.self).littleEndian }
        guard length <= UInt64(SafetensorsFile.headerBytesMax), length <= UInt64(file.byteCount - 8) else {
            throw .source(
                name, "says its header has \(length) bytes; the file has \(file.byteCount), the limit is "
                    + "\(SafetensorsFile.headerBytesMax)")
        }
        let headerBytes = Int(length)
        let header = try file.read(at: 8, count: headerBytes)
        guard header.first == UInt8(ascii: "{") else { throw .source(name, "its header does not begin with '{'") }
        let listed = try header.lend { bytes throws(MartletError) in
            try CanonicalJSON.decode(Header.self, from: bytes, file: name)
        }
        entries = try SafetensorsFile.check(
            listed.tensors, file: name, dataStart: 8 + headerBytes, fileBytes: file.byteCount, limits)
    }

    private static func check(
        _ listed: [String: Header.Listed], file: String, dataStart: Int, fileBytes: Int, _ limits: Limits
    ) throws(MartletError) -> [Entry] {
        guard listed.count <= limits.tensorsMax else {
            throw .source(file, "lists \(listed.count) tensors, the limit is \(limits.tensorsMax)")
        }
        let dataBytes = fileBytes - dataStart
        var ordered: [(start: Int, end: Int, entry: Entry)] = []
        for (tensor, item) in listed {
            guard let width = bytesPerElement[item.dtype] else {
                throw .source(file, "tensor \(tensor) has the unknown element type \(item.dtype)")
            }
            guard item.data_offsets.count == 2 else {
                throw .source(file, "tensor \(tensor) has \(item.data_offsets.count) offsets, expected 2")
            }
            let start = item.data_offsets[0]
            let end = item.data_offsets[1]
            guard 0 <= start, start <= end, end <= dataBytes else {
                throw .source(file, "tensor \(tensor) lies at \(start) to \(end), the data has \(dataBytes) bytes")
            }
            guard item.shape.count <= 8 else {
                throw .source(file, "tensor \(tensor) has \(item.shape.count) dimensions, the limit is 8")
            }
            var count = 1
            for size in item.shape {
                let (product, overflow) = count.multipliedReportingOverflow(by: size)
                guard size >= 0, !overflow else {
                    throw .source(file, "tensor \(tensor) has the impossible shape \(item.shape)")
                }
                count = product
            }
            let (bytes, overflow) = count.multipliedReportingOverflow(by: width)
            guard !overflow, bytes == end - start else {
                throw .source(
                    file, "tensor \(tensor) has \(end - start) bytes, its shape \(item.shape) of \(item.dtype) needs "
                        + (overflow ? "more than any file has" : "\(bytes)"))
            }
            // dataStart + start is at most the file's length.
            let entry = Entry(
                name: tensor, type: item.dtype, shape: item.shape, count: count, offset: dataStart + start)
            ordered.append((start, end, entry))
        }
        ordered.sort { ($0.start, $0.end, $0.entry.name) < ($1.start, $1.end, $1.entry.name) }
        var end = 0
        for item in ordered {
            guard item.start == end else {
                throw .source(
                    file, "tensor \(item.entry.name) starts at \(item.start), the one before ends at \(end): "
                        + (item.start < end ? "they overlap" : "there is a gap"))
            }
            end = item.end
        }
        guard end == dataBytes else {
            throw .source(file, "has \(dataBytes) bytes of data, its tensors take \(end)")
        }
        return ordered.map(\.entry)
    }

    static let bytesPerElement = [
        "BOOL": 1, "U8": 1, "I8": 1, "F8_E5M2": 1, "F8_E4M3": 1, "I16": 2, "U16": 2, "F16": 2, "BF16": 2, "I32": 4,
        "U32": 4, "F32": 4, "F64": 8, "I64": 8, "U64": 8,
    ]

    /// The values of a tensor of type F32, F16 or BF16, widened to 32 bits (exact for all three).
    /// - Throws: for another type, and for a value that is not finite.
    package func floats(_ entry: Entry) throws(MartletError) -> [Float] {
        let values: [Float]
        switch entry.type {
        case "F32":
            values = try file.read(Float.self, at: entry.offset, count: entry.count)
        case "F16":
            values = try file.read(UInt16.self, at: entry.offset, count: entry.count).map(Half.widened)
        case "BF16":
            values = try file.read(UInt16.self, at: entry.offset, count: entry.count).map {
                Float(bitPattern: UInt32($0) << 16)
            }
        default:
            throw .source(
                name, "tensor \(entry.name) is of type \(entry.type)",
                wayOut: "Save the model with weights of type F32, F16 or BF16.")
        }
        if let place = values.firstIndex(where: { !$0.isFinite }) {
            throw .source(name, "tensor \(entry.name) holds \(values[place]) at element \(place)")
        }
        return values
    }
}

/// IEEE half precision without a Float16 type, which not every platform has.
enum Half {
    static func widened(_ bits: UInt16) -> Float {
        let sign = UInt32(bits & 0x8000) << 16
        let exponent = UInt32(bits >> 10) & 0x1F
        let fraction = UInt32(bits & 0x3FF)
        switch exponent {
        case 0:
            // Zero or subnormal: fraction times 2^-24, exact in single precision.
            let value = Float(fraction) * Float(sign: .plus, exponent: -24, significand: 1)
            return sign == 0 ? value : -value
        case 31: return Float(bitPattern: sign | 0x7F80_0000 | fraction << 13)
        default: return Float(bitPattern: sign | (exponent + 112) << 23 | fraction << 13)
        }
    }
}

/// The JSON header: tensors by name beside `__metadata__`.
private struct Header: Decodable {
    struct Listed: Decodable {
        let dtype: String
        let shape: [Int]
        let data_offsets: [Int]
    }

    var tensors: [String: Listed] = [:]

    private struct Key: CodingKey {
        let stringValue: String
        var intValue: Int? { nil }
        init?(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { nil }
    }

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Key.self)
        for key in container.allKeys {
            if key.stringValue == "__metadata__" {
                _ = try container.decode([String: String].self, forKey: key)
            } else {
                tensors[key.stringValue] = try container.decode(Listed.self, forKey: key)
            }
        }
    }
}
