import Foundation
import Logging

/// Log lines on standard error: text for people or one JSON object a line for programs.
///
/// Nothing in Martlet logs request text; what is logged are events of models, connections and the process.
struct LogLines: LogHandler {
    enum Form: Sendable {
        case text(Output)
        case json
    }

    private let label: String
    private let form: Form
    var metadata: Logger.Metadata = [:]
    var logLevel: Logger.Level

    init(label: String, form: Form, level: Logger.Level) {
        self.label = label
        self.form = form
        logLevel = level
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        let fields = metadata.merging(event.metadata ?? [:]) { _, new in new }.sorted { $0.key < $1.key }
        let time = Date.now.formatted(Date.ISO8601FormatStyle(includingFractionalSeconds: true))
        switch form {
        case .text(let output):
            let name = event.level.rawValue
            let level = name + String(repeating: " ", count: max(0, 7 - name.count))
            let style: Output.Style = event.level >= .error ? .boldRed : event.level == .warning ? .yellow : .dim
            let tail = fields.map { " \(output.styled($0.key + "=", .dim))\(Self.oneLine("\($0.value)"))" }.joined()
            output.line(
                "\(output.styled(time, .dim)) \(output.styled(level, style)) \(Self.oneLine("\(event.message)"))\(tail)"
            )
        case .json:
            var object: [String: String] = [:]
            for (key, value) in fields { object[key] = "\(value)" }
            object["time"] = time
            object["level"] = event.level.rawValue
            object["logger"] = label
            object["message"] = "\(event.message)"
            Output.error.line(JSONText.line(object))
        }
    }

    /// A line break inside a value would make one event look like two.
    private static func oneLine(_ text: String) -> String {
        text.replacing("\n", with: "\\n").replacing("\r", with: "\\r")
    }
}
