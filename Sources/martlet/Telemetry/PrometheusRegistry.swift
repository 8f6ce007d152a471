import CoreMetrics
import Synchronization

/// Keeps what swift-metrics is told and shows it in Prometheus' text form.
///
/// Labels of metrics become names, dimensions labels. A gauge is a meter, or a recorder without aggregation; timers, in
/// seconds, and recorders with aggregation are histograms.
package final class PrometheusRegistry: MetricsFactory {
    /// Series of one name. A program that makes more by mistake is not to take all memory: further ones are not shown.
    static let seriesMax = 16_384
    /// Upper bounds of a histogram's buckets; seconds for timers.
    static let bounds: [Double] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60]

    private struct Family {
        let kind: MetricSeries.Kind
        var series: [MetricLabels: MetricSeries] = [:]
    }

    private struct State {
        var families: [String: Family] = [:]
        var helps: [String: String] = [:]
    }

    private let state = Mutex(State())

    package init() {}

    /// Says what a metric is, for its HELP line.
    package func describe(_ name: String, _ help: String) { state.withLock { $0.helps[name] = help } }

    /// Everything there is now, sorted by name, then labels.
    package func exposition() -> [UInt8] {
        let (families, helps) = state.withLock { ($0.families, $0.helps) }
        var text = ""
        for (name, family) in families.sorted(by: { $0.key < $1.key }) where !family.series.isEmpty {
            if let help = helps[name] { text += "# HELP \(name) \(MetricText.help(help))\n" }
            text += "# TYPE \(name) \(family.kind.rawValue)\n"
            for (labels, series) in family.series.sorted(by: { $0.key < $1.key }) {
                series.append(to: &text, name: name, labels: labels)
            }
        }
        return Array(text.utf8)
    }

    /// The series of a name and labels, the same for every asker.
    private func series(
        _ kind: MetricSeries.Kind, _ label: String, _ dimensions: [(String, String)]
    ) -> MetricSeries {
        let name = MetricText.name(label), labels = MetricLabels(dimensions)
        return state.withLock { state in
            var family = state.families[name] ?? Family(kind: kind)
            if family.kind == kind, let known = family.series[labels] { return known }
            let new = MetricSeries(kind: kind, name: name, labels: labels)
            // Of another kind, or one too many: it counts, and is not shown.
            guard family.kind == kind, family.series.count < Self.seriesMax else { return new }
            family.series[labels] = new
            state.families[name] = family
            return new
        }
    }

    private func remove(_ handler: AnyObject) {
        guard let series = handler as? MetricSeries else { return }
        state.withLock { state in
            guard state.families[series.name]?.series[series.labels] === series else { return }
            state.families[series.name]?.series[series.labels] = nil
        }
    }

    // MARK: MetricsFactory

    package func makeCounter(label: String, dimensions: [(String, String)]) -> any CounterHandler {
        series(.counter, label, dimensions)
    }

    package func makeFloatingPointCounter(
        label: String, dimensions: [(String, String)]
    ) -> any FloatingPointCounterHandler {
        series(.counter, label, dimensions)
    }

    package func makeMeter(label: String, dimensions: [(String, String)]) -> any MeterHandler {
        series(.gauge, label, dimensions)
    }

    package func makeRecorder(
        label: String, dimensions: [(String, String)], aggregate: Bool
    ) -> any RecorderHandler {
        series(aggregate ? .histogram : .gauge, label, dimensions)
    }

    package func makeTimer(label: String, dimensions: [(String, String)]) -> any TimerHandler {
        series(.histogram, label, dimensions)
    }

    package func destroyCounter(_ handler: any CounterHandler) { remove(handler) }
    package func destroyFloatingPointCounter(_ handler: any FloatingPointCounterHandler) { remove(handler) }
    package func destroyMeter(_ handler: any MeterHandler) { remove(handler) }
    package func destroyRecorder(_ handler: any RecorderHandler) { remove(handler) }
    package func destroyTimer(_ handler: any TimerHandler) { remove(handler) }
}
