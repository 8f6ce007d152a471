import MartletCore

/// Routes, and what their shadows have shown.
package enum RouteText {
    package static func lines(_ routes: [RouteStatus], output: Output? = nil) -> [String] {
        var table = Table([("route", .left), ("versions", .left)])
        for status in routes { table.append(["\(status.name):\(status.label)", RolloutText.route(status.route)]) }
        let comparisons = routes.flatMap { status in
            status.comparison.map { comparison("\(status.name):\(status.label)", $0, output: output) } ?? []
        }
        return table.lines(for: output) + comparisons
    }

    /// A shadow beside the version the callers got.
    package static func comparison(
        _ route: String, _ comparison: ShadowComparison, output: Output? = nil
    ) -> [String] {
        let title = "\(route) and its shadow, version \(comparison.version)"
        var lines = ["", output?.styled(title, .bold) ?? title]
        guard comparison.texts > 0 else {
            lines.append("  nothing compared yet\(losses(comparison))")
            return lines
        }
        let agreed = Double(comparison.agreed) / Double(comparison.texts)
        lines.append(
            "  same label  \(RolloutText.share(agreed)) of \(Quantity.count(comparison.texts)) texts"
                + losses(comparison))
        lines.append(
            "  half take   \(Quantity.time(comparison.callerP50)) for the caller, "
                + "\(Quantity.time(comparison.shadowP50)) from the shadow")
        lines.append(
            "  99 % take   \(Quantity.time(comparison.callerP99)) for the caller, "
                + "\(Quantity.time(comparison.shadowP99)) from the shadow")
        return lines + drift(comparison)
    }

    private static func losses(_ comparison: ShadowComparison) -> String {
        var text = ""
        if comparison.failures > 0 { text += "; the shadow failed \(Quantity.count(comparison.failures)) calls" }
        if comparison.skipped > 0 { text += "; \(Quantity.count(comparison.skipped)) copies had no room" }
        return text
    }

    /// How far scores moved: a bar for each bucket from the first to the last that holds a text.
    private static func drift(_ comparison: ShadowComparison) -> [String] {
        let most = comparison.drift.max() ?? 0
        guard most > 0, let last = comparison.drift.lastIndex(where: { $0 > 0 }) else { return [] }
        var lines = ["  scores moved by, at most \(Quantity.fixed(comparison.driftMax, 4)):"]
        var table = Table([("", .left), ("", .right), ("", .left)])
        for (index, count) in comparison.drift.prefix(last + 1).enumerated() {
            let bounds = ShadowComparison.driftBounds
            let range = index < bounds.count ? "up to \(bounds[index])" : "above \(bounds.last ?? 0)"
            table.append([
                "    \(range)", Quantity.count(count), ScoreBar.text(Float(count) / Float(most), width: 24),
            ])
        }
        lines += table.lines()
        return lines
    }
}
