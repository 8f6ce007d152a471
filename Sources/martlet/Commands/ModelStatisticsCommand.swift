import ArgumentParser
import MartletCore

struct ModelStatisticsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "stats",
        abstract: "Show what each loaded version has done.",
        discussion: """
            Counted since the version was loaded. Times are means: of a call from arrival to answer, and of a text's \
            (or a window's) wait in the queue and of the run of the batch it was in, which it shared with other texts.

            Examples:
              martlet models stats
              martlet models stats guard --json
            """)

    @OptionGroup var report: ModelReportOptions

    func run() async throws {
        let name = report.name
        let timeout = try report.connection.deadline()
        let models = try await report.connection.withClient { try await $0.statistics(named: name, timeout: timeout) }
        let output = Output.standard
        if report.json { return output.line(JSONText.pretty(models.map(AnswerJSON.Statistics.init))) }
        if models.isEmpty { return output.line("no model is loaded") }
        var table = Table([
            ("model", .left), ("version", .right), ("calls", .right), ("failed", .right), ("texts", .right),
            ("tokens", .right), ("batches", .right), ("a call", .right), ("queue", .right), ("compute", .right),
        ])
        for model in models {
            table.append([
                model.name, String(model.version), Quantity.count(model.calls), Quantity.count(model.failures),
                Quantity.count(model.texts), Quantity.count(model.tokens), Quantity.count(model.batches),
                Self.mean(model.callTime, of: model.calls), Self.mean(model.queue, of: model.texts),
                Self.mean(model.compute, of: model.texts),
            ])
        }
        table.lines(for: output).forEach { output.line($0) }
    }

    private static func mean(_ sum: Duration, of count: Int) -> String {
        count > 0 ? Quantity.time(sum / count) : ""
    }
}
