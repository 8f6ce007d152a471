/// The words of Prometheus' text form, version 0.0.4.
enum MetricText {
    /// `label` with everything but letters, digits, `_` and `:` made `_`.
    static func name(_ label: String) -> String {
        let name = String(label.unicodeScalars.map { isName($0) || $0 == ":" ? Character($0) : "_" })
        return name.first.map { $0.isNumber } ?? true ? "_" + name : name
    }

    static func labelName(_ label: String) -> String {
        let name = String(label.unicodeScalars.map { isName($0) ? Character($0) : "_" })
        return name.first.map { $0.isNumber } ?? true ? "_" + name : name
    }

    private static func isName(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar {
        case "a"..."z", "A"..."Z", "0"..."9", "_": true
        default: false
        }
    }

    static func value(_ text: String) -> String {
        text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"").replacing("\n", with: "\\n")
    }

    static func help(_ text: String) -> String { text.replacing("\\", with: "\\\\").replacing("\n", with: "\\n") }

    static func number(_ value: Double) -> String {
        if value.isNaN { return "NaN" }
        if value.isInfinite { return value > 0 ? "+Inf" : "-Inf" }
        // 2^53: below it every whole number is exact.
        if value == value.rounded(), abs(value) < 9_007_199_254_740_992 { return String(Int(value)) }
        return String(value)
    }
}

/// Names and values of a series, sorted by name; of a name that comes twice the last value holds.
struct MetricLabels: Hashable, Comparable, Sendable {
    private let pairs: [String]

    init(_ dimensions: [(String, String)]) {
        let unique = Dictionary(dimensions.map { (MetricText.labelName($0.0), $0.1) }, uniquingKeysWith: { $1 })
        pairs = unique.sorted { $0.key < $1.key }.map { "\($0.key)=\"\(MetricText.value($0.value))\"" }
    }

    private init(pairs: [String]) { self.pairs = pairs }

    /// One more, at the end.
    func with(_ name: String, _ value: String) -> MetricLabels {
        MetricLabels(pairs: pairs + ["\(name)=\"\(MetricText.value(value))\""])
    }

    /// As it follows a name: `{model="guard"}`, or nothing.
    var text: String { pairs.isEmpty ? "" : "{\(pairs.joined(separator: ","))}" }

    static func < (left: MetricLabels, right: MetricLabels) -> Bool {
        left.pairs.lexicographicallyPrecedes(right.pairs)
    }
}
