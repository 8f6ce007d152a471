internal import CProtobufC
internal import MartletCore

/// Reads single fields of generated C messages, checked. The field's name is only built when it is wrong.
enum CField {
    static func bytes(_ data: ProtobufCBinaryData) -> [UInt8] {
        Array(UnsafeBufferPointer(start: data.data, count: data.data == nil ? 0 : data.len))
    }

    /// - Throws: `.invalidArgument` naming the field when it is not UTF-8.
    static func text(
        _ data: ProtobufCBinaryData, _ field: @autoclosure () -> String
    ) throws(MartletError) -> String {
        guard data.len > 0, let start = data.data else { return "" }
        guard let text = validated(UnsafeBufferPointer(start: start, count: data.len)) else {
            throw MartletError(.invalidArgument, "\(field()) is not valid UTF-8")
        }
        return text
    }

    private static func validated(_ bytes: UnsafeBufferPointer<UInt8>) -> String? {
        if #available(macOS 26.0, *) {
            // The same check as below, without its flat cost of some 80 ns a text (Swift 6.3, Linux).
            guard let text = try? UTF8Span(validating: bytes.span) else { return nil }
            return String(copying: text)
        }
        return String(validating: bytes, as: UTF8.self)
    }

    /// Nil for an empty text, which stands for "all of them".
    static func optionalText(
        _ data: ProtobufCBinaryData, _ field: @autoclosure () -> String
    ) throws(MartletError) -> String? {
        let value = try text(data, field())
        return value.isEmpty ? nil : value
    }

    /// The texts of a repeated field; `field` is the list's own name.
    static func texts(
        _ count: Int, _ start: UnsafeMutablePointer<ProtobufCBinaryData>?, _ field: @autoclosure () -> String
    ) throws(MartletError) -> [String] {
        let elements = UnsafeBufferPointer(start: start, count: start == nil ? 0 : count)
        var texts: [String] = []
        texts.reserveCapacity(elements.count)
        for (index, element) in elements.enumerated() {
            texts.append(try text(element, "\(field())[\(index)]"))
        }
        return texts
    }

    /// The numbers of a repeated field.
    static func scalars<Number>(_ count: Int, _ start: UnsafeMutablePointer<Number>?) -> [Number] {
        Array(UnsafeBufferPointer(start: start, count: start == nil ? 0 : count))
    }

    /// - Throws: `.invalidArgument` naming the field when `Int` cannot hold the number.
    static func integer(_ value: UInt64, _ field: @autoclosure () -> String) throws(MartletError) -> Int {
        guard let number = Int(exactly: value) else {
            throw MartletError(.invalidArgument, "\(field()) is \(value), above \(Int.max)")
        }
        return number
    }

    /// - Throws: `.invalidArgument` naming the field for a number that is not finite or lies outside of `range`.
    static func number(
        _ value: Double, in range: ClosedRange<Double>, _ field: @autoclosure () -> String
    ) throws(MartletError) -> Double {
        guard value.isFinite else { throw MartletError(.invalidArgument, "\(field()) is not a finite number") }
        guard range.contains(value) else {
            let bounds = range.upperBound.isFinite && range.upperBound < .greatestFiniteMagnitude
                ? "is not between \(range.lowerBound) and \(range.upperBound)" : "is below \(range.lowerBound)"
            throw MartletError(.invalidArgument, "\(field()) is \(value), which \(bounds)")
        }
        return value
    }

    /// - Throws: `.invalidArgument` naming the field when `Int` cannot hold the number.
    static func microseconds(_ value: UInt64, _ field: @autoclosure () -> String) throws(MartletError) -> Duration {
        .microseconds(Int64(try integer(value, field())))
    }

    static func unknownEnum(_ value: UInt32, _ field: String) -> MartletError {
        MartletError(.invalidArgument, "\(field) has the unknown value \(Int32(bitPattern: value))")
    }

    /// The elements of a repeated message field.
    static func elements<Element>(
        _ count: Int, _ start: UnsafeMutablePointer<UnsafeMutablePointer<Element>?>?
    ) -> UnsafeBufferPointer<UnsafeMutablePointer<Element>?> {
        UnsafeBufferPointer(start: start, count: start == nil ? 0 : count)
    }
}
