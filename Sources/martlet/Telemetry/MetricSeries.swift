import CoreMetrics
import Synchronization

/// One line of a metric, or a histogram's group of lines: a number, or counts by size.
final class MetricSeries: CounterHandler, FloatingPointCounterHandler, MeterHandler, RecorderHandler, TimerHandler {
    enum Kind: String, Sendable { case counter, gauge, histogram }

    private struct Value {
        /// The number, or the sum of what a histogram was told.
        var sum: Double = 0
        /// One for each of `PrometheusRegistry.bounds`, and one above; empty for no histogram.
        var buckets: [UInt64] = []
    }

    let kind: Kind
    let name: String
    let labels: MetricLabels
    private let value: Mutex<Value>

    init(kind: Kind, name: String, labels: MetricLabels) {
        self.kind = kind
        self.name = name
        self.labels = labels
        let buckets = kind == .histogram ? PrometheusRegistry.bounds.count + 1 : 0
        value = Mutex(Value(buckets: Array(repeating: 0, count: buckets)))
    }

    func append(to text: inout String, name: String, labels: MetricLabels) {
        let value = value.withLock { $0 }
        guard kind == .histogram else {
            text += "\(name)\(labels.text) \(MetricText.number(value.sum))\n"
            return
        }
        var count: UInt64 = 0
        for (index, bucket) in value.buckets.enumerated() {
            count += bucket
            let bound = index < PrometheusRegistry.bounds.count ? PrometheusRegistry.bounds[index] : .infinity
            text += "\(name)_bucket\(labels.with("le", MetricText.number(bound)).text) \(count)\n"
        }
        text += "\(name)_sum\(labels.text) \(MetricText.number(value.sum))\n"
        text += "\(name)_count\(labels.text) \(count)\n"
    }

    private func observe(_ number: Double) {
        value.withLock { value in
            value.sum += number
            let bounds = PrometheusRegistry.bounds
            value.buckets[bounds.firstIndex { number <= $0 } ?? bounds.count] += 1
        }
    }

    // MARK: Handlers

    func increment(by amount: Int64) { value.withLock { $0.sum += Double(amount) } }
    func increment(by amount: Double) { value.withLock { $0.sum += amount } }
    func decrement(by amount: Double) { value.withLock { $0.sum -= amount } }
    func reset() { value.withLock { $0.sum = 0 } }
    func set(_ number: Int64) { set(Double(number)) }
    func set(_ number: Double) { value.withLock { $0.sum = number } }
    func record(_ number: Int64) { record(Double(number)) }
    func record(_ number: Double) { kind == .histogram ? observe(number) : set(number) }
    func recordNanoseconds(_ duration: Int64) { observe(Double(duration) / 1e9) }
}
