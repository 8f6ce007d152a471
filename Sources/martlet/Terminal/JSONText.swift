import Foundation

/// JSON for `--json` and for log lines: snake-case keys, sorted; one line unless `pretty`.
enum JSONText {
    static func line(_ value: some Encodable) -> String { text(value, pretty: false) }

    static func pretty(_ value: some Encodable) -> String { text(value, pretty: true) }

    private static func text(_ value: some Encodable, pretty: Bool) -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting =
            pretty ? [.sortedKeys, .withoutEscapingSlashes, .prettyPrinted] : [.sortedKeys, .withoutEscapingSlashes]
        encoder.keyEncodingStrategy = .convertToSnakeCase
        // NaN has no place in JSON; a model's score may still be one.
        encoder.nonConformingFloatEncodingStrategy = .convertToString(
            positiveInfinity: "Infinity", negativeInfinity: "-Infinity", nan: "NaN")
        guard let data = try? encoder.encode(value) else { return "{}" }
        return String(decoding: data, as: UTF8.self)
    }
}
