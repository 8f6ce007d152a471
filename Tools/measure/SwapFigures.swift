import Foundation

/// What a run of swaps showed.
struct SwapFigures {
    struct Swaps {
        /// From the load's start to the old version's end, in seconds of the traffic, rising.
        var windows: [ClosedRange<Double>] = []
        /// Seconds that each load took.
        var loads: [Double] = []
        /// Resident bytes after each swap, from the first one that counts.
        var memory: [Int] = []
        /// Before the calls and after them.
        var threads = (first: 0, last: 0)
        /// The most in the first swaps, and those after the last.
        var descriptors = (first: 0, last: 0)
    }

    let failed: Int
    let mixed: Int
    let failures: [String: Int]
    private let answered: [Int: Int]
    private let swaps: Swaps
    private let rate: Double
    /// Milliseconds, sorted.
    private let during: [Double]
    private let outside: [Double]

    init(record: SwapTraffic.Record, swaps: Swaps, rate: Double) {
        failures = record.failures
        failed = record.failures.values.reduce(0, +)
        mixed = record.mixed
        answered = record.answered
        self.swaps = swaps
        self.rate = rate
        var during: [Double] = [], outside: [Double] = []
        var next = 0
        for call in record.calls.sorted(by: { $0.due < $1.due }) {
            while next < swaps.windows.count, swaps.windows[next].upperBound < call.due { next += 1 }
            if next < swaps.windows.count, swaps.windows[next].contains(call.due) {
                during.append(call.milliseconds)
            } else {
                outside.append(call.milliseconds)
            }
        }
        self.during = during.sorted()
        self.outside = outside.sorted()
    }

    func cases(_ options: SwapOptions) -> [MeasuredCase] {
        let name = "swap \(options.model.rawValue)"
        let p99 = Self.percentile(99, of: outside)
        var rows = [
            MeasuredCase.below(0, "\(name): failed calls", Double(failed), unit: "calls"),
            .below(0, "\(name): answers with bits of another version", Double(mixed), unit: "answers"),
            // Where a quarter is less than 10 ms, 10 ms it is.
            .below(
                max(p99 * 1.25, p99 + 10), "\(name): p99 of calls during a swap", Self.percentile(99, of: during),
                unit: "ms"),
            .shown("\(name): p99 of the other calls", p99, unit: "ms"),
            .shown("\(name): p50 of calls during a swap", Self.percentile(50, of: during), unit: "ms"),
            .shown("\(name): p50 of the other calls", Self.percentile(50, of: outside), unit: "ms"),
            .below(
                Double(swaps.threads.first), "\(name): threads at the end", Double(swaps.threads.last),
                unit: "threads"),
            .below(
                Double(swaps.descriptors.first), "\(name): descriptors at the end", Double(swaps.descriptors.last),
                unit: "descriptors"),
        ]
        // A run that was interrupted early has none, and one swap has no slope.
        if swaps.memory.count > 1 {
            rows.append(.below(1_024, "\(name): memory a swap", Self.slope(of: swaps.memory), unit: "bytes"))
        }
        let times = swaps.windows.map { ($0.upperBound - $0.lowerBound) * 1_000 }.sorted()
        rows.append(.shown("\(name): swaps", Double(swaps.windows.count), unit: "swaps"))
        rows.append(.shown("\(name): median time of a swap", Self.percentile(50, of: times), unit: "ms"))
        rows.append(
            .shown("\(name): median time of its load", Self.percentile(50, of: swaps.loads.sorted()) * 1_000, unit: "ms"))
        rows.append(.shown("\(name): load", rate, unit: "calls/s"))
        for (version, count) in answered.sorted(by: { $0.key < $1.key }) {
            rows.append(.shown("\(name): answers of version \(version)", Double(count), unit: "answers"))
        }
        for (reason, count) in failures.sorted(by: { $0.key < $1.key }) {
            FileHandle.standardError.write(Data("\(count) calls failed: \(reason)\n".utf8))
        }
        return rows
    }

    /// Of sorted values; 0 without any.
    private static func percentile(_ percent: Double, of sorted: [Double]) -> Double {
        sorted.isEmpty ? 0 : sorted[Int(Double(sorted.count - 1) * percent / 100)]
    }

    /// By least squares, in units a step.
    private static func slope(of values: [Int]) -> Double {
        let count = Double(values.count)
        guard count > 1 else { return 0 }
        let middle = (count - 1) / 2, mean = Double(values.reduce(0, +)) / count
        var product = 0.0, square = 0.0
        for (place, value) in values.enumerated() {
            product += (Double(place) - middle) * (Double(value) - mean)
            square += (Double(place) - middle) * (Double(place) - middle)
        }
        return product / square
    }
}
