internal import MartletCore
internal import MartletWire

/// Reads the one tensor of texts that this server takes; every size in it is the client's word until it is checked.
enum BytesTensor {
    /// One text or pair for each row.
    /// - Throws: `.invalidArgument` naming what does not agree.
    static func texts(of inputs: [OpenInference.Input]) throws(MartletError) -> [TextInput] {
        guard let input = inputs.first, inputs.count == 1 else {
            throw MartletError(
                .invalidArgument,
                "inputs has \(inputs.count) tensors; this server reads one, of datatype BYTES, named \(inputName)")
        }
        guard input.datatype == OpenInference.Datatype.bytes.rawValue else {
            throw MartletError(
                .invalidArgument,
                "inputs[0].datatype is \(input.datatype.prefix(20)); texts are a tensor of datatype BYTES")
        }
        let (rows, columns) = try dimensions(input.shape)
        let (count, isOver) = rows.multipliedReportingOverflow(by: columns)
        guard !isOver else { throw shapeError(input.shape) }
        let texts =
            switch input.contents {
            case .raw(let bytes): try elements(of: bytes, atMost: count)
            case .elements(let elements): try elements.enumeratedTexts()
            }
        guard texts.count == count else {
            throw MartletError(
                .invalidArgument,
                "inputs[0] has \(texts.count) elements, and its shape \(input.shape) stands for \(count)")
        }
        guard columns == 2 else { return texts.map { TextInput($0) } }
        return (0..<rows).map { TextInput(texts[2 * $0], pair: texts[2 * $0 + 1]) }
    }

    /// What the model's metadata calls the tensor; any name is read.
    static let inputName = "text"

    private static func dimensions(_ shape: [Int64]) throws(MartletError) -> (rows: Int, columns: Int) {
        guard let first = shape.first, let rows = Int(exactly: first), rows >= 0 else { throw shapeError(shape) }
        switch shape.count {
        case 1: return (rows, 1)
        case 2:
            guard shape[1] == 1 || shape[1] == 2 else { throw shapeError(shape) }
            return (rows, Int(shape[1]))
        default: throw shapeError(shape)
        }
    }

    private static func shapeError(_ shape: [Int64]) -> MartletError {
        let text = shape.count > 8 ? "of \(shape.count) dimensions" : "\(shape)"
        return MartletError(
            .invalidArgument, "inputs[0].shape is \(text); texts are [n] or [n, 1], and pairs of texts [n, 2]")
    }

    /// The elements of a raw BYTES tensor: each behind its length of 4 bytes, little-endian.
    private static func elements(of raw: [UInt8], atMost count: Int) throws(MartletError) -> [String] {
        var texts: [String] = []
        // An element takes 4 bytes at least, whatever the shape claims.
        texts.reserveCapacity(min(count, raw.count / 4))
        var rest = raw[...]
        while !rest.isEmpty {
            guard rest.count >= 4 else {
                throw MartletError(
                    .invalidArgument, "the raw inputs[0] ends inside the length of element \(texts.count)")
            }
            let length = rest.prefix(4).reversed().reduce(0) { $0 << 8 | Int($1) }
            rest = rest.dropFirst(4)
            guard length <= rest.count else {
                throw MartletError(
                    .invalidArgument,
                    "the raw inputs[0] says that element \(texts.count) has \(length) bytes, and \(rest.count) are left"
                )
            }
            guard texts.count < count else {
                throw MartletError(
                    .invalidArgument, "the raw inputs[0] has more elements than the \(count) of its shape")
            }
            texts.append(try text(rest.prefix(length), index: texts.count))
            rest = rest.dropFirst(length)
        }
        return texts
    }

    fileprivate static func text(_ bytes: some Collection<UInt8>, index: Int) throws(MartletError) -> String {
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw MartletError(.invalidArgument, "element \(index) of inputs[0] is not valid UTF-8")
        }
        return text
    }
}

extension [[UInt8]] {
    fileprivate func enumeratedTexts() throws(MartletError) -> [String] {
        var texts: [String] = []
        texts.reserveCapacity(count)
        for (index, bytes) in enumerated() { texts.append(try BytesTensor.text(bytes, index: index)) }
        return texts
    }
}
