import MartletCore

/// Model statuses as a table.
enum ModelTable {
    static func show(_ statuses: [ModelStatus], json: Bool) {
        if json {
            Output.standard.line(JSONText.pretty(statuses.map(AnswerJSON.Status.init)))
        } else if statuses.isEmpty {
            Output.standard.line("no models")
        } else {
            lines(statuses, output: .standard).forEach { Output.standard.line($0) }
        }
    }

    static func lines(_ statuses: [ModelStatus], output: Output) -> [String] {
        var table = Table([
            ("model", .left), ("version", .right), ("state", .left), ("names", .left), ("answers", .left),
            ("tokens", .right), ("memory", .right), ("calls", .right), ("digest", .left),
        ])
        for status in statuses {
            table.append([
                status.name, String(status.version), state(of: status), status.versionLabels.joined(separator: " "),
                answers(of: status), status.maxTokens == 0 ? "" : String(status.maxTokens),
                status.memoryBytes == 0 ? "" : Quantity.bytes(status.memoryBytes), String(status.leases),
                String(status.digest.prefix(12)),
            ])
        }
        // Reasons are sentences: below the table, where they have room.
        let reasons = statuses.filter { !$0.reason.isEmpty }.map { status in
            output.styled("\(status.name)/\(status.version) \(state(of: status)): ", .yellow) + status.reason
        }
        let way = statuses.first(where: \.isQuarantined).map { status in
            "a quarantined version is tried again when its files change, or after "
                + "'martlet models clear \(status.name)@\(status.version)'"
        }
        return table.lines(for: output) + reasons + [way].compactMap { $0 }
    }

    private static func state(of status: ModelStatus) -> String {
        status.isQuarantined ? "\(status.state.rawValue), quarantined" : status.state.rawValue
    }

    /// The labels, or what a model gives instead.
    private static func answers(of status: ModelStatus) -> String {
        guard status.task == ModelTask.embedding.rawValue else { return shortened(status.classLabels) }
        return status.dimensions > 0 ? "vectors of \(status.dimensions)" : "vectors"
    }

    private static func shortened(_ labels: [String]) -> String {
        guard labels.count > 5 else { return labels.joined(separator: " ") }
        return labels.prefix(5).joined(separator: " ") + " and \(labels.count - 5) more"
    }
}
